package walk

import (
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// The part of the model that administrators, and "it was not me", change.
type modelState struct {
	frozen   bool
	ended    mark // of the last freeze
	exempt   bool
	reset    bool // with nothing set up since
	resetAt  mark
	codeOnly bool // suspected: after a reset only an issued code leads on
	redeemed bool // an issued code was used since the last reset
	renewed  bool // the password was changed since the suspicion
	issued   *modelIssued
	password time.Time // the last change
	kept     []*modelKept
	begun    time.Time // of the grace period
	until    time.Time // of an extension by an administrator
}

type modelIssued struct {
	mark
	code string
}

type modelKept struct {
	mark
	phone *modelPhone
}

const graceLife = 2 * time.Hour

// afterReset returns where the password leads.
func (l *modelState) afterReset(now time.Time, got string) string {
	if l.resetAt.doubt && got == "ask" {
		return "ask"
	}
	demanded := l.codeOnly && (!l.renewed || l.passwordRecent(now))
	if age := now.Sub(l.resetAt.at); !demanded && age >= -30*time.Second && age < 24*time.Hour {
		return "set up"
	}
	return "ask"
}

// bound applies what a newly bound authenticator ends.
func (l *modelState) bound() {
	if l.reset, l.issued = false, nil; l.redeemed {
		l.codeOnly, l.redeemed, l.renewed = false, false, false
	}
}

// suspect applies what "it was not me" leaves behind.
func (l *modelState) suspect() { l.codeOnly, l.redeemed, l.renewed = true, false, false }

// thaw ends a freeze.
func (l *modelState) thaw(now time.Time) {
	if l.frozen {
		l.frozen, l.ended = false, mark{at: now}
	}
}

// passwordRecent is also true under a clock that is behind the change.
func (l *modelState) passwordRecent(now time.Time) bool {
	return !l.password.IsZero() && now.Sub(l.password) < 24*time.Hour
}

// putPasswordRight applies what an administrator's call does to a time in the future.
func (l *modelState) putPasswordRight(now time.Time) {
	if l.password.Sub(now) > 30*time.Second {
		l.password = now
	}
}

// graceUntil returns when the grace period ends, counted from now if it has not begun.
func (m *model) graceUntil(now time.Time) time.Time {
	begun := m.state.begun
	if begun.IsZero() || begun.After(now) {
		begun = now
	}
	if end := begun.Add(graceLife); end.After(m.state.until) {
		return end
	}
	return m.state.until
}

func (m *model) withinGrace(now time.Time) expectation {
	if !m.graceUntil(now).After(now) {
		return only("set up")
	}
	begun := m.state.begun
	if begun.IsZero() || begun.After(now.Add(30*time.Second)) {
		return expectation{"in", func() { m.state.begun = now }}
	}
	return only("in")
}

// shelve keeps what is removed, the five oldest.
func (m *model) shelve(now time.Time, gone ...*modelPhone) {
	m.state.kept = slices.DeleteFunc(m.state.kept, func(k *modelKept) bool { return now.Sub(k.at) >= enroll.RecoverableLifetime })
	doubt := false
	for _, k := range m.state.kept {
		doubt = doubt || k.doubt
	}
	for _, p := range gone {
		m.state.kept = append(m.state.kept, &modelKept{mark{at: now}, p})
	}
	slices.SortStableFunc(m.state.kept, func(a, b *modelKept) int { return a.phone.added.Compare(b.phone.added) })
	switch {
	case len(m.state.kept) <= enroll.MaxAuthenticators:
	case doubt: // an expired one has made room, or not
		for _, k := range m.state.kept {
			k.doubt = true
		}
	default:
		m.state.kept = m.state.kept[:enroll.MaxAuthenticators]
	}
}

// clear removes every factor except the recovery codes, and keeps nothing.
func (m *model) clear() {
	m.phones, m.offer, m.state.kept, m.state.issued = nil, nil, nil, nil
	m.changed()
}

// redeem tries an issued code after the password.
func (m *model) redeem(t *modelTicket, now time.Time, typed, got string) expectation {
	if t.proof || t.action != totpflow.ActionSignIn || !m.holds(t, now, got) {
		return only("challenge")
	}
	rate, err := m.rate.Take(now, 10, time.Hour)
	switch i := m.state.issued; {
	case err != nil:
		return only("throttled")
	case m.state.passwordRecent(now):
		return only("recent")
	case i == nil || i.code != typed || now.Sub(i.at) >= 24*time.Hour || now.Sub(i.at) < -30*time.Second || i.doubt && got == "rejected":
		return expectation{"rejected", func() { m.rate = rate }}
	}
	return expectation{"set up", func() {
		m.clear()
		m.codes, m.rate = nil, rate
		m.state.reset, m.state.resetAt, m.state.codeOnly, m.state.redeemed, m.state.renewed = true, mark{at: now}, true, true, false
	}}
}

func (m *model) resets(now time.Time, what admin.Scope) expectation {
	return expectation{"ok", func() {
		switch what {
		case admin.ScopeBrowsers:
			m.generation++
			m.revokeAll()
		case admin.ScopeRecoveryCodes:
			m.generation++
			m.codes, m.state.issued = nil, nil
		default:
			if what == admin.ScopeAll || m.state.codeOnly {
				m.codes = nil
			}
			m.state.redeemed = false
			m.clear()
			m.state.thaw(now)
			m.state.putPasswordRight(now)
			m.state.exempt, m.state.reset, m.state.resetAt = false, true, mark{at: now}
		}
	}}
}

func (m *model) unlocks(now time.Time) expectation {
	return expectation{"ok", func() {
		m.budget, m.rate = throttle.Budget{}, throttle.Rate{}
		m.state.putPasswordRight(now)
		m.state.thaw(now)
	}}
}

func (m *model) exempts() expectation {
	if m.state.exempt {
		return only("transition")
	}
	return expectation{"ok", func() {
		m.clear()
		m.codes = nil
		m.state.exempt, m.state.reset = true, false
	}}
}

func (m *model) endsExemption(now time.Time) expectation {
	if !m.state.exempt {
		return only("not exempt")
	}
	return expectation{"ok", func() {
		m.changed()
		m.state.redeemed = false
		m.state.exempt, m.state.reset, m.state.resetAt = false, true, mark{at: now}
	}}
}

// restores restores a kept authenticator, or nothing.
func (m *model) restores(now time.Time, k *modelKept) expectation {
	switch {
	case m.state.exempt || m.state.reset:
		return only("transition")
	case k == nil:
		return only("unknown")
	}
	return expectation{"ok", func() {
		m.clear()
		m.phones, m.codes = []*modelPhone{k.phone}, nil
		m.state.thaw(now)
	}}
}

func (m *model) issues(now time.Time) expectation {
	switch {
	case m.state.password.Sub(now) > 30*time.Second:
		return expectation{"recent", func() { m.state.putPasswordRight(now) }}
	case m.state.passwordRecent(now):
		return only("recent")
	case m.state.frozen:
		return only("frozen")
	case !m.state.reset && len(m.phones) == 0:
		return only("not enrolled")
	}
	return expectation{"ok", nil} // then is told the code
}

func (m *model) extends(now, until time.Time) expectation {
	switch {
	case m.state.exempt || m.state.reset || len(m.phones) > 0:
		return only("no grace")
	case !until.After(now), m.required && !until.After(m.graceUntil(now)), until.Sub(now) > policy.MaxGrace:
		return only("grace")
	}
	return expectation{"ok", func() { m.state.until = until }}
}

func (m *model) imports(now time.Time, key totp.Key) expectation {
	switch {
	case m.state.frozen:
		return only("frozen")
	case slices.ContainsFunc(m.phones, func(p *modelPhone) bool { return p.key.Equal(key) }):
		return only("ok")
	case len(m.phones) > 0:
		return only("enrolled")
	case m.state.exempt || m.state.reset:
		return only("transition")
	}
	return expectation{"ok", func() {
		m.phones, m.offer = []*modelPhone{{key: key, added: now}}, nil
		m.generation++
	}}
}

func (m *model) disowns(now, of time.Time, got string) expectation {
	age := now.Sub(of)
	switch {
	case age >= 72*time.Hour, age < -30*time.Second, of.Before(m.state.ended.at) && (!m.state.ended.doubt || got == "disown"):
		return only("disown")
	case m.state.frozen:
		return only("ok")
	}
	return expectation{"ok", func() {
		m.changed()
		m.state.frozen, m.state.issued = true, nil
		m.state.suspect()
	}}
}

// burns applies what a sweep after a database restore does to the account.
func (m *model) burns(now time.Time) {
	burn := func(p *modelPhone) { p.last = max(p.last, p.key.Step(now)+1) }
	for _, p := range m.phones {
		burn(p)
	}
	for _, k := range m.state.kept {
		burn(k.phone)
	}
	m.offer, m.codes, m.state.issued = nil, nil, nil
	m.revokeAll()
}

// word returns the word by which the account is listed.
func (m *model) word(now time.Time) admin.MemberState {
	switch {
	case m.state.frozen:
		return admin.StateFrozen
	case m.state.exempt:
		return admin.StateExempt
	case len(m.phones) > 0:
		return admin.StateEnabled
	case m.state.reset:
		return admin.StateRequired
	case !m.required:
		return admin.StateDisabled
	case m.graceUntil(now).After(now):
		return admin.StateGrace
	}
	return admin.StateRequired
}
