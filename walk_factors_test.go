package totpflow_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// Any order of what two people, two processes, a clock that jumps and a store
// that fails can do: who is let in, what still works and what is counted is
// what the model says.
func FuzzService(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(randomScript(seed, 150))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		newWalker(t, script[:min(len(script), 600)]).walk()
	})
}

// The long walk is the same in every run, and must have met every answer.
func TestServiceWalk(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(12) {
		w := newWalker(t, randomScript(seed, 4000))
		w.walk()
		for answer, n := range w.answers {
			met[answer] += n
		}
	}
	for _, answer := range []string{
		"sign in: in", "sign in: trusted", "sign in: ask", "sign in: set up", "sign in: unavailable",
		"verify: in", "verify: rejected", "verify: used", "verify: throttled", "verify: challenge", "verify: clock", "pair: in", "pair: used", "pair: rejected", "recover: in", "recover: rejected", "verify: unavailable",
		"begin: ok", "begin: proof", "begin: challenge", "continue: ok", "continue: enrollment",
		"confirm: in", "confirm: rejected", "confirm: enrollment", "confirm: unavailable",
		"prove: ok", "prove: rejected", "prove: used", "prove: throttled", "prove: not enrolled",
		"trust: ok", "trust: proof", "disable: ok", "disable: required", "disable: proof", "remove: ok",
		"new codes: ok", "new codes: proof", "spend: ok", "spend: proof", "password: ok", "revoke all: ok", "revoke: ok",
		"sign in: frozen", "sign in: exempt", "verify: not enrolled", "prove: frozen",
		"issued: set up", "issued: rejected", "issued: recent", "issued: throttled", "issued: challenge",
		"machine: in", "machine: not exempt", "machine: frozen",
		"reset: ok", "unlock: ok", "restore: ok", "restore: unknown", "restore: transition",
		"exempt: ok", "end exemption: ok", "end exemption: not exempt", "extend: ok", "extend: grace",
		"import: ok", "import: enrolled", "import: transition", "import: frozen", "issue: ok", "issue: recent", "issue: frozen", "issue: not enrolled",
		"disown: ok", "disown: disown", "forget: ok", "restored: ok",
	} {
		require.NotZero(t, met[answer], "the walk does not meet %q", answer)
	}
}

// begins starts a set-up, or looks at one again.
func (w *walker) begins() {
	if o := pick(w, w.offers); o != nil && w.next(3) == 0 {
		e := only("enrollment")
		page, err := w.process().ContinueEnrollment(w.ctx, o.token, o.by)
		got := word(0, err)
		if err == nil {
			got = "ok"
			key, _, err := totp.ParseURI(page.Offer.URI())
			require.NoError(w.t, err)
			require.True(w.t, key.Equal(o.phone.key), "another offer is shown")
		}
		if w.people[o.user].standing(o, w.now(), got) {
			e = only("ok")
		}
		w.expect("continue", e, got)
		return
	}
	if t := w.ticket(w.next(3) > 0); t != nil {
		w.begin(t)
	}
}

func (w *walker) begin(t *modelTicket) {
	var by totpflow.Authority = totpflow.Challenge(t.value)
	if t.proof {
		by = totpflow.Proof(t.value)
	}
	page, err := w.process().BeginEnrollment(w.ctx, by)
	got := word(0, err)
	if err == nil {
		got = "ok"
	}
	m := w.people[t.user]
	if w.expect("begin", m.begin(t, w.now(), got), got) && got == "ok" {
		key, _, err := totp.ParseURI(page.Offer.URI())
		require.NoError(w.t, err)
		m.offer = &modelOffer{
			mark: mark{at: w.now()}, user: t.user, generation: m.generation, token: page.Token, by: by,
			phone: &modelPhone{key: key}, adds: t.action == totpflow.ActionAdd && len(m.phones) > 0,
		}
		w.offers = append(w.offers, m.offer)
		if w.next(2) == 0 {
			w.confirm(m.offer)
		}
	}
}

func (w *walker) confirms() {
	if o := pick(w, w.offers); o != nil {
		w.confirm(o)
	}
}

func (w *walker) confirm(o *modelOffer) {
	m := w.people[o.user]
	code, _ := w.code(m)
	if w.next(4) > 0 {
		code = codeOf(o.phone.key, o.phone.key.Step(w.now()))
		w.typed = append(w.typed, code)
	}
	done, err := w.process().ConfirmEnrollment(w.ctx, o.token, code)
	got := word(done.Step, err)
	if w.expect("confirm", m.confirm(o, w.now(), code, got, done.Sheet.Codes), got) && got == "in" {
		w.codes = append(w.codes, done.Sheet.Codes...)
		w.decided(o.user, done.Decision)
	}
}

var walkActions = []totpflow.Action{
	totpflow.ActionAdd, totpflow.ActionAdd, totpflow.ActionAdd, totpflow.ActionAdd, totpflow.ActionAdd, totpflow.ActionReplace, totpflow.ActionRemove, totpflow.ActionDisable, totpflow.ActionRecoveryCodes,
	"delete backup", totpflow.ActionSignIn, totpflow.ActionSetUp,
}

// proves is a step-up, by an app's code or a recovery code.
func (w *walker) proves() {
	user, a := w.next(2), walkActions[w.next(len(walkActions))]
	m, by := w.people[user], totpflow.ByCode
	typed, _ := w.code(m)
	if w.next(6) == 0 && len(w.codes) > 0 {
		typed, by = pick(w, w.codes), totpflow.ByRecoveryCode
	}
	proof, err := w.process().Account(walkers[user]).Reauthenticate(w.ctx, a, typed)
	got := word(0, err)
	if err == nil {
		got = "ok"
	}
	e := only("not enrolled")
	switch {
	case m.leave.frozen:
		e = only("frozen")
	case len(m.phones) == 0:
	case by == totpflow.ByCode:
		e = m.code(w.now(), "", typed)
	default:
		e = m.recovery(w.now(), "", typed)
	}
	if w.expect("prove", e, got) && got == "ok" {
		if w.handed(user, true, string(proof), a, by); w.next(3) > 0 {
			w.use(w.tickets[len(w.tickets)-1], user, a)
		}
	}
}

// uses spends a proof on whatever it was made for, or not made for, for its
// own account or the other's.
func (w *walker) uses() {
	t := w.ticket(true)
	if t == nil {
		return
	}
	user, a := t.user, t.action
	if w.next(8) == 0 {
		user, a = w.next(2), walkActions[w.next(len(walkActions))]
	}
	w.use(t, user, a)
}

func (w *walker) use(t *modelTicket, user int, a totpflow.Action) {
	m, now, p := w.people[user], w.now(), totpflow.Proof(t.value)
	account := w.process().Account(walkers[user])
	switch a {
	case totpflow.ActionSignIn:
		w.trusts(t)
	case totpflow.ActionSetUp, totpflow.ActionReplace, totpflow.ActionAdd:
		w.begin(t)
	case totpflow.ActionDisable:
		do := expectation{"ok", func() { m.shelve(now, m.phones...); m.changed(); m.phones, m.codes, m.offer = nil, nil, nil }}
		if m.required {
			do = only("required")
		}
		w.used("disable", account.Disable(w.ctx, p), func(got string) expectation { return m.with(t, user, a, now, got, do) })
	case totpflow.ActionRemove:
		i, id, do := w.next(5), "nobody", only("unknown")
		if st, err := account.Status(w.ctx); err == nil && i < len(st.Authenticators) {
			id, do = st.Authenticators[i].ID, only("last")
		}
		if len(m.phones) > 1 && id != "nobody" {
			do = expectation{"ok", func() { m.shelve(now, m.phones[i]); m.changed(); m.phones = append(m.phones[:i:i], m.phones[i+1:]...) }}
		}
		w.used("remove", account.Remove(w.ctx, p, id), func(got string) expectation { return m.with(t, user, a, now, got, do) })
	case totpflow.ActionRecoveryCodes:
		sheet, err := account.NewRecoveryCodes(w.ctx, p)
		do := expectation{"ok", func() { m.generation++; m.renew(sheet.Codes); w.codes = append(w.codes, sheet.Codes...) }}
		w.used("new codes", err, func(got string) expectation { return m.with(t, user, a, now, got, do) })
	default:
		do := expectation{"ok", func() {}}
		w.used("spend", account.Spend(w.ctx, p, a), func(got string) expectation { return m.with(t, user, a, now, got, do) })
	}
}

func (w *walker) used(what string, err error, e func(got string) expectation) {
	w.t.Helper()
	got := word(0, err)
	if err == nil {
		got = "ok"
	}
	w.expect(what, e(got), got)
}

func (w *walker) trusts(t *modelTicket) {
	m, now := w.people[t.user], w.now()
	b, err := w.process().TrustBrowser(w.ctx, totpflow.Proof(t.value), "x")
	do := expectation{"ok", func() {
		if len(m.browsers) == trust.Limit {
			oldest := 0
			for i, b := range m.browsers {
				if b.at.Before(m.browsers[oldest].at) {
					oldest = i
				}
			}
			m.browsers = append(m.browsers[:oldest:oldest], m.browsers[oldest+1:]...)
		}
		list := w.status(walkers[t.user]).Browsers
		m.browsers = append(m.browsers, &modelBrowser{mark: mark{at: now}, id: list[len(list)-1].ID, token: b.Token, seen: now})
		w.tokens = append(w.tokens, b.Token)
	}}
	if t.reason == totpflow.ByRecoveryCode {
		do = only("proof")
	}
	w.used("trust", err, func(got string) expectation { return m.with(t, t.user, totpflow.ActionSignIn, now, got, do) })
}

// revokes takes away what needs no proof: trust, and on a change of the
// password everything that is under way.
func (w *walker) revokes() {
	user := w.next(2)
	m, account := w.people[user], w.process().Account(walkers[user])
	switch w.next(12) {
	case 0:
		w.used("password", account.PasswordChanged(w.ctx), func(string) expectation {
			return expectation{"ok", func() { m.changed(); m.leave.password, m.leave.issued = w.now(), nil }}
		})
	case 1:
		do := only("ok")
		if len(m.browsers) > 0 {
			do.then = func() { m.browsers = nil }
		}
		w.used("revoke all", account.RevokeBrowsers(w.ctx), func(string) expectation { return do })
	default:
		st, err := account.Status(w.ctx)
		if err != nil || len(st.Browsers) == 0 {
			return
		}
		b := st.Browsers[w.next(len(st.Browsers))]
		w.used("revoke", account.RevokeBrowser(w.ctx, b.ID), func(string) expectation {
			return expectation{"ok", func() {
				m.browsers = slices.DeleteFunc(m.browsers, func(known *modelBrowser) bool { return known.id == b.ID })
			}}
		})
	}
}
