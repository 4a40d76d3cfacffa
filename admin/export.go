package admin

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/store"
)

// An Exported is the data kept about a person, for the person, as data protection law
// requires. It is written as JSON by encoding/json. It holds no secret: nothing in it
// helps to sign in or to find a code. It leaves out times that only bound guesses,
// messages and an administrator's resets: of wrong codes in the last two years, by the
// hour, of tries with recovery codes, of messages, of resets, and an open window.
// docs/privacy.md explains for each field why it is kept, and for how long, and names
// those that are left out.
type Exported struct {
	Tenant string    `json:"tenant,omitempty"`
	User   string    `json:"user"`
	At     time.Time `json:"exported_at"`
	Kept   time.Time `json:"last_written"` // when the record was last written

	State          enroll.State            `json:"state"` // the state of the enrollment
	Generation     uint64                  `json:"generation"`
	Authenticators []ExportedAuthenticator `json:"authenticators,omitempty"`
	Replaced       []ExportedAuthenticator `json:"replaced_authenticators,omitempty"` // kept for 72 hours
	Offered        time.Time               `json:"enrollment_began,omitzero"`         // when an enrollment began that is not confirmed yet
	ResetAt        time.Time               `json:"reset_at,omitzero"`
	RecoveryCodes  *ExportedCodes          `json:"recovery_codes,omitempty"`
	Browsers       []ExportedBrowser       `json:"trusted_browsers,omitempty"`
	Phones         []ExportedPhone         `json:"phones,omitempty"`
	PendingPhone   string                  `json:"pending_phone,omitempty"` // a number that is not verified yet
	AssignedPhone  string                  `json:"assigned_phone,omitempty"`
	WrongCodes     int                     `json:"wrong_codes_in_a_row"`
	PasswordAt     time.Time               `json:"password_changed_at,omitzero"`
	GraceBegan     time.Time               `json:"grace_began,omitzero"`
	GraceUntil     time.Time               `json:"grace_until,omitzero"`       // the end that an administrator granted
	IssuedAt       time.Time               `json:"code_by_mail_at,omitzero"`   // when a code was sent that has not been used
	CodeDemanded   bool                    `json:"code_demanded,omitempty"`    // a reset leads to an enrollment only by such a code
	FrozenAt       time.Time               `json:"frozen_at,omitzero"`         // when the person said "it was not me"
	FreezeEnded    time.Time               `json:"last_freeze_ended,omitzero"` // the end of the last freeze
	Machine        string                  `json:"machine,omitempty"`
	Changes        []event.Event           `json:"changes,omitempty"`  // the last changes with addresses and user agents, newest first
	Attempts       []event.Day             `json:"attempts,omitempty"` // how many of each kind on each day
}

// An ExportedAuthenticator is an authenticator without its secret.
type ExportedAuthenticator struct {
	Name  string    `json:"name"`
	Added time.Time `json:"added"`
	Used  time.Time `json:"used,omitzero"`
	Until time.Time `json:"until,omitzero"` // when it ends: a weak key of an import, or a replaced authenticator
}

// An ExportedCodes is a set of recovery codes without the codes.
type ExportedCodes struct {
	Total int         `json:"total"`
	Made  time.Time   `json:"made"`
	Saved time.Time   `json:"saved,omitzero"`
	Used  []time.Time `json:"used,omitempty"`
}

// An ExportedBrowser is a trusted browser without its token.
type ExportedBrowser struct {
	Label  string    `json:"label"`
	Issued time.Time `json:"issued"`
	Seen   time.Time `json:"seen,omitzero"` // exact to the day
}

// An ExportedPhone is a verified number.
type ExportedPhone struct {
	Number string    `json:"number"`
	Added  time.Time `json:"added"`
	Used   time.Time `json:"used,omitzero"`
}

// Export returns the data kept about an account, without secrets, for the person whom it
// is about. It requires no proof, since it changes nothing, but the rule must permit
// [ActionExportAccount]: addresses and telephone numbers are in it. Make sure that it
// reaches that person and nobody else. Errors: [ErrNoAccount] if the account has no
// record.
func (a Admin) Export(ctx context.Context, by Actor, id store.AccountID) (_ Exported, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.export")
	defer flow.End(&err)
	if _, err := a.authorise(ctx, by, ActionExportAccount, id); err != nil {
		return Exported{}, err
	}
	if err := account.Validate(id); err != nil {
		return Exported{}, err
	}
	e, found, err := a.engine.Read(ctx, id)
	switch {
	case err != nil:
		return Exported{}, err
	case !found:
		return Exported{}, ErrNoAccount
	case e.Err != nil:
		return Exported{}, e.Err
	}
	tx := a.engine.View(e)
	x := exportOf(&tx.Account, tx.Now)
	x.Tenant, x.User, x.Kept = id.Tenant, id.User, e.Updated
	return x, nil
}

func exportOf(acc *account.Account, at time.Time) Exported {
	x := Exported{
		At: at, State: acc.Enrollment.State(at), Generation: acc.Generation, ResetAt: acc.Enrollment.ResetAt(),
		AssignedPhone: acc.Assigned, WrongCodes: acc.Budget.ConsecutiveFailures(), PasswordAt: acc.PasswordAt,
		GraceBegan: acc.Grace.Begun, GraceUntil: acc.Grace.Until, CodeDemanded: acc.CodeDemanded(at),
		FrozenAt: acc.Freeze.At, FreezeEnded: acc.Freeze.Ended, Machine: acc.Machine,
		Changes: acc.Activity.Changes(), Attempts: acc.Activity.Attempts(),
	}
	for _, k := range acc.Enrollment.Authenticators() {
		x.Authenticators = append(x.Authenticators, ExportedAuthenticator{k.Name, k.Added, k.Used, k.Until})
	}
	for _, k := range acc.Enrollment.Recoverable(at) {
		x.Replaced = append(x.Replaced, ExportedAuthenticator{k.Name, k.Added, k.Used, k.Until})
	}
	if c, ok := acc.Enrollment.Candidate(at); ok {
		x.Offered = c.Began
	}
	if r := acc.Recovery; !r.IsZero() {
		x.RecoveryCodes = &ExportedCodes{Total: r.Total(), Made: r.Made(), Saved: r.Saved(), Used: r.Used()}
	}
	for _, b := range acc.Browsers {
		x.Browsers = append(x.Browsers, ExportedBrowser{b.Label, b.Issued, b.Seen})
	}
	for _, p := range acc.Phones.Phones() {
		x.Phones = append(x.Phones, ExportedPhone{p.Number.E164(), p.Added, p.Used})
	}
	if p, ok := acc.Phones.Pending(at); ok {
		x.PendingPhone = p.Number.E164()
	}
	if acc.Issued.Live(at) {
		x.IssuedAt = acc.Issued.At
	}
	return x
}
