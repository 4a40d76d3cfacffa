package totpflow_test

import (
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

func walkerID(user int) store.ID {
	return store.ID{Tenant: walkers[user].Tenant, User: walkers[user].ID}
}

// lookAtLeave compares what administrators see.
func (w *walker) lookAtLeave(user int) {
	w.t.Helper()
	m, now := w.people[user], w.now()
	seen := w.member(walkerID(user))
	require.Equal(w.t, m.word(now), seen.State)
	require.Equal(w.t, m.leave.frozen, !seen.FrozenAt.IsZero())
	require.Equal(w.t, m.leave.reset, !seen.ResetAt.IsZero())
	require.Equal(w.t, m.leave.exempt, seen.Machine != "")
	known := m.keptNow(now)
	require.LessOrEqual(w.t, len(seen.Kept), len(known))
	for _, k := range known {
		if !k.doubt {
			require.True(w.t, w.listed(seen, k), "what is kept is not listed")
		}
	}
	for _, listed := range seen.Kept {
		require.NotNil(w.t, m.keptAs(now, listed.Added, listed.Until), "what is listed is not kept")
	}
}

func (w *walker) listed(seen totpflow.Member, k *modelKept) bool {
	for _, l := range seen.Kept {
		if l.Added.Equal(k.phone.added) && l.Until.Equal(k.at.Add(72*time.Hour)) {
			return true
		}
	}
	return false
}

func (m *model) keptNow(now time.Time) (kept []*modelKept) {
	for _, k := range m.leave.kept {
		if now.Sub(k.at) < 72*time.Hour {
			kept = append(kept, k)
		}
	}
	return kept
}

// keptAs finds what is kept by what is seen of it. Two that were added and went at
// the same time look the same, and are told apart by nothing but their codes.
func (m *model) keptAs(now, added, until time.Time) *modelKept {
	for _, k := range m.keptNow(now) {
		if k.phone.added.Equal(added) && k.at.Add(72*time.Hour).Equal(until) {
			return k
		}
	}
	return nil
}

// exists reports whether there is a record: only then do most calls have a target.
func (w *walker) exists(user int) bool {
	_, err := w.memory.Get(w.ctx, walkerID(user))
	return err == nil
}

// administers is, now and then, an operator, who needs no proof; whose proof is good for what is
// another test.
func (w *walker) administers() {
	user := w.next(2)
	m, now, id, admin := w.people[user], w.now(), walkerID(user), w.process().Admin(nil)
	needed := func(e expectation) func(string) expectation {
		return func(string) expectation {
			if !w.exists(user) {
				return only("no account")
			}
			return e
		}
	}
	free := func(e expectation) func(string) expectation { return func(string) expectation { return e } }
	act := w.next(40)
	if closed := m.leave.frozen || m.leave.exempt; closed && w.next(2) == 0 {
		act = []int{0, 3, 4, 7, 7}[w.next(5)] // mostly what opens it
	}
	switch act {
	case 0, 1:
		what := scopes[w.next(len(scopes))]
		e := needed(m.resets(now, what))
		w.used("reset", admin.Reset(w.ctx, ops, id, what), e)
	case 3:
		e := needed(m.unlocks(now))
		w.used("unlock", admin.Unlock(w.ctx, ops, id), e)
	case 4, 5, 22, 23, 24:
		w.restores(user, admin)
	case 6:
		w.used("exempt", admin.Exempt(w.ctx, ops, id, "agent"), free(m.exempts()))
	case 7, 8:
		w.used("end exemption", admin.EndExemption(w.ctx, ops, id), needed(m.endsExemption(now)))
	case 9, 14:
		until := now.Add([]time.Duration{-time.Hour, time.Hour, 25 * time.Hour, 91 * 24 * time.Hour}[w.next(4)])
		w.used("extend", admin.ExtendGrace(w.ctx, ops, id, until), free(m.extends(now, until)))
	case 10, 11, 15, 16:
		w.imports(user, admin)
	case 12, 13, 17, 18, 19, 20:
		w.issues(user, admin)
	case 21:
		w.rarely(user, admin)
	}
}

// rarely is what would else leave nothing to walk on.
func (w *walker) rarely(user int, admin totpflow.Admin) {
	m, existed := w.people[user], w.exists(user)
	switch w.next(4) {
	case 0:
		e := only("no account")
		if existed {
			e = expectation{"ok", func() {
				*m = model{required: m.required, generation: m.generation + 1}
				w.sessions[user] = time.Time{}
			}}
		}
		w.used("forget", admin.Forget(w.ctx, ops, walkerID(user)), func(string) expectation { return e })
	case 1:
		now := w.now()
		there := []bool{w.exists(0), w.exists(1)}
		w.used("restored", admin.Restored(w.ctx, ops, time.Time{}, "", nil), func(string) expectation {
			return expectation{"ok", func() {
				for i, m := range w.people {
					if there[i] {
						m.burns(now)
					}
				}
			}}
		})
	}
}

// restores tries one of those that are listed, or one that is not.
func (w *walker) restores(user int, admin totpflow.Admin) {
	m, now, id := w.people[user], w.now(), "nobody's"
	var kept *modelKept
	if !w.refusing {
		list := w.member(walkerID(user)).Kept
		if i := w.next(4); i < len(list) {
			for _, other := range list { // those that look the same are left alone
				if other.ID != list[i].ID && other.Added.Equal(list[i].Added) && other.Until.Equal(list[i].Until) {
					return
				}
			}
			id, kept = list[i].ID, m.keptAs(now, list[i].Added, list[i].Until)
		}
	}
	existed := w.exists(user)
	w.used("restore", admin.Restore(w.ctx, ops, walkerID(user), id), func(string) expectation {
		if !existed {
			return only("no account")
		}
		return m.restores(now, kept)
	})
}

func (w *walker) imports(user int, admin totpflow.Admin) {
	m, now := w.people[user], w.now()
	key, err := totp.NewKey(totp.Params{})
	require.NoError(w.t, err)
	if w.next(4) == 0 && len(m.phones) > 0 {
		key = m.phones[0].key
	}
	outcomes, err := admin.Import(w.ctx, ops, []totpflow.Imported{{ID: walkerID(user), Key: key}})
	for _, o := range outcomes {
		err = errors.Join(err, o.Err)
	}
	w.used("import", err, func(string) expectation { return m.imports(now, key) })
}

func (w *walker) issues(user int, admin totpflow.Admin) {
	m, now, existed := w.people[user], w.now(), w.exists(user)
	var box mailbox
	err := admin.IssueRecoveryCode(w.ctx, ops, walkerID(user), box.deliver)
	e := m.issues(now)
	if e.answer == "ok" {
		e.then = func() {
			m.leave.issued = &modelIssued{mark{at: now}, box.code()}
			w.issued = append(w.issued, box.code())
		}
	}
	w.used("issue", err, func(string) expectation {
		if !existed {
			return only("no account")
		}
		return e
	})
}

// issuedCode takes an issued code, or a recovery code for one.
func (w *walker) issuedCode(t *modelTicket) {
	code := pick(w, w.issued)
	if w.next(8) == 0 {
		code = pick(w, w.codes)
	}
	if code == "" {
		return
	}
	m, now := w.people[t.user], w.now()
	d, err := w.process().VerifyIssuedCode(w.ctx, totpflow.Challenge(t.value), code)
	got := word(d.Step, err)
	if w.expect("issued", m.redeem(t, now, code, got), got) {
		w.decided(t.user, d)
	}
}

// disowns says "it was not me" of something that was told at some time.
func (w *walker) disowns() {
	user, now := w.next(2), w.now()
	of := pick(w, w.told)
	if w.next(4) == 0 {
		of = now
		w.told = append(w.told, now)
	}
	if w.next(8) > 0 {
		return // else nobody would get in for long
	}
	m, existed := w.people[user], w.exists(user)
	link := w.process().DisownToken(event.Event{Tenant: walkers[user].Tenant, User: walkers[user].ID, At: of})
	w.used("disown", w.process().Disown(w.ctx, link), func(string) expectation {
		if !existed {
			return only("disown")
		}
		return m.disowns(now, of)
	})
}

// machine signs in where machines do.
func (w *walker) machine() {
	user := w.next(2)
	m := w.people[user]
	d, err := w.process().SignInMachine(w.ctx, walkers[user])
	e := only("not exempt")
	switch {
	case m.leave.frozen:
		e = only("frozen")
	case m.leave.exempt:
		e = only("in")
	}
	got := word(d.Step, err)
	if w.expect("machine", e, got) {
		require.Empty(w.t, d.Proof)
		require.Empty(w.t, d.Challenge)
	}
}

// settles has somebody who has nothing set up begin to.
func (w *walker) settles() {
	before := len(w.tickets)
	w.signsIn()
	if len(w.tickets) > before && w.tickets[before].action == totpflow.ActionSetUp {
		w.begin(w.tickets[before])
	}
}
