package walk

import (
	"errors"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
)

// sees compares a mark with earlier ones: it stays the same until something ends the
// sessions, and is another one from then on.
func (w *walker) sees(user int, mark totpflow.SessionMark) {
	now := w.people[user].sessions
	for then, known := range w.marks[user] {
		w.check((known == mark) == (then == now), "mark %q after %d ends of the sessions, as after %d", mark, now, then)
	}
	w.marks[user][now] = mark
}

// look compares everything that can be seen of the accounts.
func (w *walker) look() {
	if w.refusing {
		return
	}
	for i, m := range w.people {
		st, err := w.services[i].Account(users[i]).Status(w.ctx)
		w.need(err, "status")
		w.check(len(st.Authenticators) == len(m.phones), "status: %d authenticators, in the model %d", len(st.Authenticators), len(m.phones))
		w.check(st.RecoveryCodes.Left == m.unused(), "status: %d recovery codes, in the model %d", st.RecoveryCodes.Left, m.unused())
		w.check(len(st.Browsers) <= len(m.browsers), "status: %d browsers, in the model %d", len(st.Browsers), len(m.browsers))
		w.sees(i, st.Mark)
		w.lookAtLeave(i)
	}
	w.lookAtList()
}

// lookAtLeave compares what administrators see.
func (w *walker) lookAtLeave(user int) {
	m, now := w.people[user], w.now()
	seen := w.member(user)
	w.check(seen.State == m.word(now), "member: %v, in the model %v", seen.State, m.word(now))
	w.check(seen.FrozenAt.IsZero() != m.state.frozen, "member: frozen at %v, in the model %v", seen.FrozenAt, m.state.frozen)
	w.check(seen.ResetAt.IsZero() != m.state.reset, "member: reset at %v, in the model %v", seen.ResetAt, m.state.reset)
	w.check(seen.Machine != "" == m.state.exempt, "member: exempt as %q, in the model %v", seen.Machine, m.state.exempt)
	known := m.keptNow(now)
	w.check(len(seen.Recoverable) <= len(known), "member: %d kept, in the model %d", len(seen.Recoverable), len(known))
	for _, k := range known {
		w.check(k.doubt || listed(seen, k), "member: what was added at %v is not listed as kept", k.phone.added)
	}
	for _, l := range seen.Recoverable {
		w.check(m.keptAs(now, l.Added, l.Until) != nil, "member: what was added at %v is listed as kept", l.Added)
	}
}

// lookAtList compares who is listed, alternately of all accounts and of the frozen ones.
func (w *walker) lookAtList() {
	q, s := store.Query{Tenant: users[0].ID.Tenant}, w.services[w.steps%2]
	if w.steps%3 == 0 {
		q.State = string(admin.StateFrozen)
	}
	page, err := admin.New(s, nil).ListPage(w.ctx, ops, q)
	w.need(err, "list")
	w.check(page.Next == "", "list: it goes on behind %d of two", len(page.Members))
	for i, m := range w.people {
		if !w.exists(i) || q.State != "" && !m.state.frozen {
			continue
		}
		w.check(len(page.Members) > 0 && page.Members[0].ID == w.id(i), "list of %q: %v is not where it belongs", q.State, w.id(i))
		seen := page.Members[0].State
		w.check(seen == m.word(w.now()), "list of %q: %v, in the model %v", q.State, seen, m.word(w.now()))
		page.Members = page.Members[1:]
	}
	w.check(len(page.Members) == 0, "list of %q: %d too many", q.State, len(page.Members))
}

func (w *walker) member(user int) admin.Member {
	m, err := admin.New(w.services[0], nil).Member(w.ctx, ops, w.id(user))
	w.need(err, "member")
	return m
}

func listed(seen admin.Member, k *modelKept) bool {
	for _, l := range seen.Recoverable {
		if l.Added.Equal(k.phone.added) && l.Until.Equal(k.at.Add(72*time.Hour)) {
			return true
		}
	}
	return false
}

func (m *model) keptNow(now time.Time) (kept []*modelKept) {
	for _, k := range m.state.kept {
		if now.Sub(k.at) < 72*time.Hour {
			kept = append(kept, k)
		}
	}
	return kept
}

// until reports whether it may be kept until then: 72 hours, or less if a clock that was
// ahead has been put right since.
func (k *modelKept) until(then time.Time) bool {
	end := k.at.Add(72 * time.Hour)
	return end.Equal(then) || k.doubt && then.Before(end)
}

// keptAs finds a kept authenticator by its visible times. Two that were added and removed
// at the same times look the same, and only their codes tell them apart.
func (m *model) keptAs(now, added, until time.Time) *modelKept {
	for _, k := range m.keptNow(now) {
		if k.phone.added.Equal(added) && k.until(until) {
			return k
		}
	}
	return nil
}

// exists reports whether there is a record: only then do most calls have a target.
func (w *walker) exists(user int) bool {
	_, err := w.plain.Get(w.ctx, w.id(user))
	w.check(err == nil || errors.Is(err, store.ErrNotFound), "the record: %v", err)
	return err == nil
}
