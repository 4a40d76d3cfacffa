package totpflow

import (
	"context"
	"errors"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// Status is what a security page shows. It holds no secret.
type Status struct {
	State          enroll.State
	Policy         policy.Policy
	Enrolled       bool // has a factor: an authenticator, or a phone
	Authenticators []Authenticator
	Phones         []Phone
	Assigned       phone.Number // chosen by an administrator, to be verified by its own code; zero when none is
	Browsers       []Browser
	RecoveryCodes  RecoveryCodes
	Throttled      *throttle.Error // too many wrong codes; nil when not
	Activity       []event.Event   // the last security changes, newest first
	SessionsFrom   time.Time       // sessions begun before are over
	GraceUntil     time.Time       // when an enrollment is demanded, where one is; may be over; zero when at once, or never
	GraceBegins    bool            // at the next sign-in, or SessionValid: until then GraceUntil is counted from now
	Frozen         time.Time       // since "it was not me"; zero when not
	Generation     uint64          // see User.Generation
}

// An Authenticator as a person sees it.
type Authenticator struct {
	ID, Name    string
	Added, Used time.Time // Used is zero before the first sign-in, and exact to the day
	WeakUntil   time.Time // when a weak key of an import ends; zero for all others
}

// shown is an authenticator without its key and its last step.
func shown(x enroll.Authenticator) Authenticator {
	return Authenticator{ID: x.ID, Name: x.Name, Added: x.Added, Used: x.Used, WeakUntil: x.Until}
}

// A Browser that is trusted.
type Browser struct {
	ID, Label    string
	Issued, Seen time.Time // Seen is exact to the day
	Expires      time.Time
}

// RecoveryCodes counts the set in use.
type RecoveryCodes struct {
	Left, Total int
	Made        time.Time
	Saved       time.Time // when the person said that the codes are saved; zero before
}

// Status reads the account. It changes nothing.
func (a Account) Status(ctx context.Context) (Status, error) {
	p, err := a.service.policyOf(ctx, a.user.account())
	if err != nil {
		return Status{}, err
	}
	var st Status
	err = a.change(ctx, func(r *account.Round) error {
		st = a.service.status(r, p)
		return nil
	})
	return answer(st, err)
}

func (s *Service) status(r *account.Round, p policy.Policy) Status {
	st := Status{
		Enrolled: hasFactor(r),
		State:    r.Enrollment.State(r.Now),
		Policy:   p,
		RecoveryCodes: RecoveryCodes{
			Left: r.Recovery.Remaining(), Total: r.Recovery.Total(),
			Made: r.Recovery.Made(), Saved: r.Recovery.Saved(),
		},
		Activity:     r.Activity.Changes(),
		SessionsFrom: r.SessionsFrom,
		Frozen:       r.Freeze.At,
		Phones:       phonesOf(r),
		Generation:   r.Generation,
	}
	until, begins := graceUntil(r, p)
	st.GraceUntil, st.GraceBegins = until, begins && !until.Equal(p.Deadline.Truncate(time.Millisecond)) && !until.Equal(r.Grace.Until)
	st.Assigned, _ = phone.ParseNumber(r.Assigned)
	for _, x := range r.Enrollment.Authenticators() {
		st.Authenticators = append(st.Authenticators, shown(x))
	}
	age := s.trustFor(p)
	for _, b := range r.Browsers {
		if until := b.Issued.Add(age); r.Now.Before(until) {
			st.Browsers = append(st.Browsers, Browser{ID: b.ID, Label: b.Label, Issued: b.Issued, Seen: b.Seen, Expires: until})
		}
	}
	var wait *throttle.Error
	if errors.As(r.Budget.Allow(r.Now, s.limits, s.chances(r)), &wait) {
		st.Throttled = wait
	}
	return st
}

func phonesOf(r *account.Round) (phones []Phone) {
	for _, p := range r.Phones.Phones() {
		phones = append(phones, Phone{ID: p.ID, Number: p.Number, Added: p.Added, Used: p.Used})
	}
	return phones
}

// hasFactor reports whether the account has anything to show beside a password.
func hasFactor(r *account.Round) bool {
	return len(r.Enrollment.Authenticators()) > 0 || len(r.Phones.Phones()) > 0
}
