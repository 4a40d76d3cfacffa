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
type modelLeave struct {
	frozen   bool
	ended    time.Time // of the last freeze
	exempt   bool
	reset    bool // and nothing set up since
	resetAt  time.Time
	codeOnly bool
	issued   *modelIssued
	password time.Time // changed last
	kept     []*modelKept
	begun    time.Time // of the grace
	until    time.Time // of an administrator's grace
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

// afterReset is where the password leads.
func (l *modelLeave) afterReset(now time.Time) string {
	if age := now.Sub(l.resetAt); !l.codeOnly && age >= -30*time.Second && age < 24*time.Hour {
		return "set up"
	}
	return "ask"
}

// bound is what a newly bound authenticator ends.
func (l *modelLeave) bound() { l.reset, l.codeOnly, l.issued = false, false, nil }

// thaw ends a freeze.
func (l *modelLeave) thaw(now time.Time) {
	if l.frozen {
		l.frozen, l.ended = false, now
	}
}

// passwordRecent also holds of a clock that is behind the change.
func (l *modelLeave) passwordRecent(now time.Time) bool {
	return !l.password.IsZero() && now.Sub(l.password) < 24*time.Hour
}

// graceUntil is when the grace ends, had it begun now if it has not.
func (m *model) graceUntil(now time.Time) time.Time {
	begun := m.leave.begun
	if begun.IsZero() || begun.After(now) {
		begun = now
	}
	if end := begun.Add(graceLife); end.After(m.leave.until) {
		return end
	}
	return m.leave.until
}

func (m *model) withinGrace(now time.Time) expectation {
	if !m.graceUntil(now).After(now) {
		return only("set up")
	}
	begun := m.leave.begun
	if begun.IsZero() || begun.After(now.Add(30*time.Second)) {
		return expectation{"in", func() { m.leave.begun = now }}
	}
	return only("in")
}

// shelve keeps what goes, the five oldest.
func (m *model) shelve(now time.Time, gone ...*modelPhone) {
	m.leave.kept = slices.DeleteFunc(m.leave.kept, func(k *modelKept) bool { return now.Sub(k.at) >= enroll.RecoverableLifetime })
	doubt := false
	for _, k := range m.leave.kept {
		doubt = doubt || k.doubt
	}
	for _, p := range gone {
		m.leave.kept = append(m.leave.kept, &modelKept{mark{at: now}, p})
	}
	slices.SortStableFunc(m.leave.kept, func(a, b *modelKept) int { return a.phone.added.Compare(b.phone.added) })
	switch {
	case len(m.leave.kept) <= enroll.MaxAuthenticators:
	case doubt: // what has gone has made room, or not
		for _, k := range m.leave.kept {
			k.doubt = true
		}
	default:
		m.leave.kept = m.leave.kept[:enroll.MaxAuthenticators]
	}
}

// clear takes every factor away but the recovery codes, and keeps nothing.
func (m *model) clear() {
	m.phones, m.offer, m.leave.kept, m.leave.issued = nil, nil, nil, nil
	m.changed()
}

// redeem is an issued code, after the password.
func (m *model) redeem(t *modelTicket, now time.Time, typed, got string) expectation {
	if t.proof || t.action != totpflow.ActionSignIn || !m.holds(t, now, got) {
		return only("challenge")
	}
	rate, err := m.rate.Take(now, 10, time.Hour)
	switch i := m.leave.issued; {
	case err != nil:
		return only("throttled")
	case m.leave.passwordRecent(now):
		return only("recent")
	case i == nil || i.code != typed || now.Sub(i.at) >= 24*time.Hour || now.Sub(i.at) < -30*time.Second || i.doubt && got == "rejected":
		return expectation{"rejected", func() { m.rate = rate }}
	}
	return expectation{"set up", func() {
		m.clear()
		m.codes, m.rate = nil, rate
		m.leave.reset, m.leave.resetAt, m.leave.codeOnly = true, now, true
	}}
}

func (m *model) resets(now time.Time, what admin.Scope) expectation {
	return expectation{"ok", func() {
		switch what {
		case admin.ScopeBrowsers:
			m.changed()
		case admin.ScopeRecoveryCodes:
			m.generation++
			m.codes, m.leave.issued = nil, nil
		default:
			if what == admin.ScopeAll || m.leave.frozen {
				m.codes = nil
			}
			m.leave.codeOnly = m.leave.codeOnly || m.leave.frozen
			m.clear()
			m.leave.thaw(now)
			m.leave.exempt, m.leave.reset, m.leave.resetAt = false, true, now
		}
	}}
}

func (m *model) unlocks(now time.Time) expectation {
	return expectation{"ok", func() {
		m.budget, m.rate = throttle.Budget{}, throttle.Rate{}
		m.leave.thaw(now)
	}}
}

func (m *model) exempts() expectation {
	if m.leave.exempt {
		return only("transition")
	}
	return expectation{"ok", func() {
		m.clear()
		m.codes = nil
		m.leave.exempt, m.leave.reset = true, false
	}}
}

func (m *model) endsExemption(now time.Time) expectation {
	if !m.leave.exempt {
		return only("not exempt")
	}
	return expectation{"ok", func() {
		m.changed()
		m.leave.codeOnly = m.leave.codeOnly || m.leave.frozen
		m.leave.exempt, m.leave.reset, m.leave.resetAt = false, true, now
	}}
}

// restores brings back what is kept, or nothing.
func (m *model) restores(now time.Time, k *modelKept) expectation {
	switch {
	case m.leave.exempt || m.leave.reset:
		return only("transition")
	case k == nil:
		return only("unknown")
	}
	return expectation{"ok", func() {
		m.clear()
		m.phones, m.codes = []*modelPhone{k.phone}, nil
		m.leave.thaw(now)
	}}
}

func (m *model) issues(now time.Time) expectation {
	switch {
	case m.leave.passwordRecent(now):
		return only("recent")
	case m.leave.frozen:
		return only("frozen")
	case !m.leave.reset && len(m.phones) == 0:
		return only("not enrolled")
	}
	return expectation{"ok", nil} // then is told the code
}

func (m *model) extends(now, until time.Time) expectation {
	switch {
	case m.leave.exempt || m.leave.reset || len(m.phones) > 0:
		return only("no grace")
	case !until.After(now), m.required && !until.After(m.graceUntil(now)), until.Sub(now) > policy.MaxGrace:
		return only("grace")
	}
	return expectation{"ok", func() { m.leave.until = until }}
}

func (m *model) imports(now time.Time, key totp.Key) expectation {
	switch {
	case m.leave.frozen:
		return only("frozen")
	case slices.ContainsFunc(m.phones, func(p *modelPhone) bool { return p.key.Equal(key) }):
		return only("ok")
	case len(m.phones) > 0:
		return only("enrolled")
	case m.leave.exempt || m.leave.reset:
		return only("transition")
	}
	return expectation{"ok", func() {
		m.phones, m.offer = []*modelPhone{{key: key, added: now}}, nil
		m.generation++
	}}
}

func (m *model) disowns(now, of time.Time) expectation {
	age := now.Sub(of)
	switch {
	case age >= 72*time.Hour, age < -30*time.Second, of.Before(m.leave.ended):
		return only("disown")
	case m.leave.frozen:
		return only("ok")
	}
	return expectation{"ok", func() {
		m.changed()
		m.leave.frozen, m.leave.issued = true, nil
	}}
}

// burns is what a sweep after a database restore does to the account.
func (m *model) burns(now time.Time) {
	burn := func(p *modelPhone) { p.last = max(p.last, p.key.Step(now)+1) }
	for _, p := range m.phones {
		burn(p)
	}
	for _, k := range m.leave.kept {
		burn(k.phone)
	}
	m.offer, m.browsers, m.codes, m.leave.issued = nil, nil, nil, nil
}

// word is how the account is listed.
func (m *model) word(now time.Time) admin.MemberState {
	switch {
	case m.leave.frozen:
		return admin.StateFrozen
	case m.leave.exempt:
		return admin.StateExempt
	case len(m.phones) > 0:
		return admin.StateEnabled
	case m.leave.reset:
		return admin.StateRequired
	case !m.required:
		return admin.StateDisabled
	case m.graceUntil(now).After(now):
		return admin.StateGrace
	}
	return admin.StateRequired
}
