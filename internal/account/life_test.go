package account

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// A life writes into a record what the flows of a person write.
type life struct {
	Account
	t   testing.TB
	now time.Time
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func (l *life) log(e event.Event) {
	e.At = l.now
	l.Activity = l.Activity.AllAcknowledged() // the notifier has received all but the newest
	l.Activity, _ = l.Activity.Append(e)
}

func (l *life) enroll(name string, adds bool) {
	key, err := totp.NewKey(totp.Params{})
	require.NoError(l.t, err)
	begun, c, err := l.Enrollment.Begin(l.now, key, name, adds)
	require.NoError(l.t, err)
	code, err := key.Code(l.now)
	require.NoError(l.t, err)
	l.Enrollment, _, err = begun.Confirm(l.now, c.ID, code, totp.Standard())
	require.NoError(l.t, err)
	l.log(event.Event{Kind: event.EnrollmentBegan, Authenticator: c.ID})
	l.log(event.Event{Kind: event.EnrollmentConfirmed, Authenticator: c.ID, Method: "totp"})
}

func (l *life) codes() {
	_, l.Recovery = recovery.New(l.now)
	l.Recovery = l.Recovery.MarkSaved(l.now.Add(time.Minute))
}

func (l *life) trust(agent string) {
	_, b := trust.Issue(ring(l.t), trust.Scope{User: "42"}, "Firefox on Linux", l.now)
	b.Seen = l.now.Add(24 * time.Hour)
	l.Browsers = trust.Remember(l.Browsers, b)
	l.log(event.Event{Kind: event.BrowserTrusted, Browser: b.ID, Source: event.Source{Address: "203.0.113.17", UserAgent: agent}})
}

func (l *life) signIn() {
	l.Spend(fmt.Sprintf("%016d", l.now.Unix()), l.now)
	l.log(event.Event{Kind: event.SignedIn, Method: "totp", Authenticator: l.Enrollment.Authenticators()[0].ID})
}

func (l *life) wrong(challenge string) {
	l.Budget = l.Budget.Fail(l.now, throttle.Default(), challenge, 3)
	l.log(event.Event{Kind: event.CodeRejected, Method: "totp"})
}

func (l *life) later(d time.Duration) {
	l.now = l.now.Add(d)
	l.Prune(l.now)
}

// begun returns a life that has an authenticator, recovery codes and a first sign-in.
func begun(t testing.TB) *life {
	l := &life{t: t, now: at.AddDate(0, 0, -120), Account: Account{Generation: 1, TicketKey: TicketKey{1}, Mark: Mark{1}}}
	l.enroll("Phone", false)
	l.codes()
	return l
}

// fresh returns the record of a person who has just enrolled.
func fresh(t testing.TB) Account { return begun(t).Account }

// typical returns the record of a person after a quarter: three browsers, a second
// authenticator, sign-ins of three weeks, a few wrong codes.
func typical(t testing.TB) Account {
	l := begun(t)
	l.later(time.Hour)
	l.enroll("Tablet", true)
	l.later(30 * 24 * time.Hour)
	l.log(event.Event{Kind: event.PasswordChanged})
	l.PasswordAt = l.now
	for _, agent := range []string{firefox, safari, firefox} {
		l.later(9 * 24 * time.Hour)
		l.signIn()
		l.trust(agent)
	}
	for day := range 14 {
		l.later(24 * time.Hour)
		if day%5 == 1 {
			l.wrong(fmt.Sprint(day))
			l.wrong(fmt.Sprint(day))
		}
		l.signIn()
	}
	return l.Account
}

// heavy returns the record of a person who uses everything: five authenticators, twenty
// browsers, twenty changes, and a guesser at work.
func heavy(t testing.TB) Account {
	l := begun(t)
	for i := range enroll.MaxAuthenticators - 2 {
		l.later(time.Hour)
		l.enroll(fmt.Sprintf("Phone %d", i), true)
	}
	for i := range 12 {
		l.later(3 * 24 * time.Hour)
		l.signIn()
		l.trust([]string{firefox, safari}[i%2])
	}
	for day := range 21 {
		l.later(23 * time.Hour)
		for range 2 {
			l.wrong(fmt.Sprint(day))
		}
		l.signIn()
	}
	return l.Account
}
