// Package clocks leads the lives of some accounts on a store while the service's clock
// does what clocks do: it passes the seconds at which numbers of 32 bits end, jumps, and
// is put right again.
package clocks

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Moments are the times around which the lives are led: now, and the first seconds that a
// signed and an unsigned number of 32 bits cannot represent (2038 and 2106).
var Moments = []time.Time{time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Unix(1<<31, 0).UTC(), time.Unix(1<<32, 0).UTC()}

// NewClock returns one for the service, and for a store that has a clock too.
func NewClock() *totptest.Clock { return totptest.NewClock(Moments[0].AddDate(0, 0, -1)) }

// Seen is what happened: codes accepted, answers refused, and times that were
// written and read back.
type Seen struct{ Accepted, Refused, Times int }

func (s Seen) String() string {
	return fmt.Sprintf("%d codes accepted once each, %d refusals, %d times written and read back", s.Accepted, s.Refused, s.Times)
}

// Live leads the lives. It returns an error if anybody gets in who should not, a code is
// valid twice, somebody has to wait for longer than documented or stays out when the
// clock is right, or a time comes back changed.
func Live(ctx context.Context, s store.Store, clock *totptest.Clock) (seen Seen, err error) {
	keys, err := keyring.Parse(keyring.Generate())
	if err != nil {
		return seen, err
	}
	l := &life{ctx: ctx, clock: clock, used: make(map[string]bool)}
	l.mfa, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: watched{s, l}, Keys: keys, Now: clock.Now,
		Policy:   policy.Fixed{Mode: policy.Optional},
		Observer: event.ObserverFunc(func(context.Context, event.Event) {}),
	})
	if err != nil {
		return seen, err
	}
	for _, moment := range Moments {
		for _, stage := range stages {
			if err := l.through(moment, stage.act); err != nil {
				return l.seen, fmt.Errorf("%s, %s: %w", moment.Format(time.RFC3339), stage.name, err)
			}
		}
	}
	return l.seen, nil
}

// A life is a service whose clock is moved.
type life struct {
	ctx    context.Context
	mfa    *totpflow.Service
	clock  *totptest.Clock
	moment time.Time
	people int
	used   map[string]bool // user and code that were accepted
	seen   Seen
	wrong  error // time that came back
}

// A fault ends a stage.
type fault struct{ error }

func (l *life) through(moment time.Time, act func(*life)) (err error) {
	defer func() {
		if f, ok := recover().(fault); ok {
			err = f.error
		}
	}()
	l.moment = moment
	act(l)
	return l.wrong
}

func must(err error) {
	if err != nil {
		panic(fault{err})
	}
}

func want(ok bool, format string, args ...any) {
	if !ok {
		panic(fault{fmt.Errorf(format, args...)})
	}
}

// at sets the clock to a time around the moment, with a fraction of a second that no
// store keeps whole.
func (l *life) at(d time.Duration) { l.clock.Set(l.moment.Add(d + 123456789*time.Nanosecond)) }

// A watched store reads back what it has written.
type watched struct {
	store.Store
	life *life
}

func (w watched) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := w.Store.Put(ctx, rec, was); err != nil {
		return err
	}
	back, err := w.Get(ctx, rec.ID)
	if err != nil {
		return err
	}
	if now := w.life.clock.Now().Truncate(time.Microsecond); !back.Updated.Equal(now) {
		w.life.wrong = fmt.Errorf("the time comes back as another one: %v instead of %v", back.Updated, now)
	}
	w.life.seen.Times++
	return nil
}

// A person has an authenticator.
type person struct {
	*life
	user totpflow.User
	app  *totptest.Authenticator
}

// mark returns the mark of a session that begins now.
func (p *person) mark() totpflow.SessionMark {
	st, err := p.mfa.Account(p.user).Status(p.ctx)
	must(err)
	return st.Mark
}

// enrol sets up a new person.
func (l *life) enrol() *person {
	p, page := l.begin()
	p.confirm(page)
	return p
}

// begin opens an enrollment page for a new person.
func (l *life) begin() (*person, totpflow.PendingEnrollment) {
	l.people++
	p := &person{life: l, user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("person", l.people)}}}
	return p, p.beginAgain()
}

func (p *person) beginAgain() totpflow.PendingEnrollment {
	next, err := p.mfa.SignIn(p.ctx, p.user)
	must(err)
	page, err := p.mfa.BeginEnrollment(p.ctx, next.Proof)
	must(err)
	p.app, err = totptest.ScanURI(page.Offer.URI(), p.clock)
	must(err)
	return page
}

func (p *person) confirm(page totpflow.PendingEnrollment) {
	code := p.app.Code()
	done, err := p.mfa.ConfirmEnrollment(p.ctx, page.Token, code)
	must(err)
	want(done.Step == totpflow.Passed, "confirmed and %v", done.Step)
	p.used[p.user.ID.User+code] = true
}

// challenge returns that of a sign-in, at which a code must be asked for.
func (p *person) challenge(tokens ...trust.Token) totpflow.Challenge {
	next, err := p.mfa.SignIn(p.ctx, p.user, tokens...)
	must(err)
	want(next.Step == totpflow.AskCode && next.ID.User == "", "signing in is answered by %v", next.Step)
	return next.Challenge
}

// try types a code. A code lets a person in at most once.
func (p *person) try(c totpflow.Challenge, code string) (totpflow.Decision, error) {
	d, err := p.mfa.VerifyCode(p.ctx, c, code)
	if err != nil {
		want(reflect.ValueOf(d).IsZero(), "an error comes with a decision: %v", err)
		p.seen.Refused++
		return d, err
	}
	want(d.Step == totpflow.Passed && d.ID.User == p.user.ID.User, "no error, and %v", d.Step)
	want(!p.used[p.user.ID.User+code], "a code is accepted twice at %v", p.clock.Now())
	p.used[p.user.ID.User+code] = true
	p.seen.Accepted++
	return d, nil
}

// pass signs in with a new code.
func (p *person) pass() totpflow.Decision {
	d, err := p.try(p.challenge(), p.app.Code())
	must(err)
	return d
}

// trusts returns a browser that is trusted from now on.
func (p *person) trusts() trust.Token {
	b, err := p.mfa.TrustBrowser(p.ctx, p.pass().Proof, "Firefox on Linux")
	must(err)
	p.trusted(b.Token)
	return b.Token
}

func (p *person) trusted(token trust.Token) {
	next, err := p.mfa.SignIn(p.ctx, p.user, token)
	must(err)
	want(next.Reason == totpflow.ReasonTrustedBrowser, "a trusted browser is answered by %v", next.Step)
}

// refused types codes that let nobody in.
func (p *person) refused(codes ...string) {
	for _, code := range codes {
		_, err := p.try(p.challenge(), code)
		want(err != nil, "%v: let in", p.clock.Now())
	}
}
