package walk

import (
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/trust"
)

// actions that are proved; what is met more often stands here more often.
var actions = []totpflow.Action{
	totpflow.ActionAddAuthenticator, totpflow.ActionAddAuthenticator, totpflow.ActionAddAuthenticator, totpflow.ActionAddAuthenticator,
	totpflow.ActionReplaceAuthenticator, totpflow.ActionRemoveAuthenticator, totpflow.ActionRemoveAuthenticator, totpflow.ActionDisable, totpflow.ActionRecoveryCodes, "delete backup",
	totpflow.ActionSignIn, totpflow.ActionEnroll,
}

// proves is a step-up, by an app's code or a recovery code.
func (w *walker) proves() {
	user, a := w.next(2), actions[w.next(len(actions))]
	m, by := w.people[user], totpflow.ReasonCode
	typed, _ := w.code(m)
	if w.next(6) == 0 && len(w.codes) > 0 {
		typed, by = pick(w, w.codes), totpflow.ReasonRecoveryCode
	}
	proof, err := w.service().Account(users[user]).Reauthenticate(w.ctx, a, typed)
	e := only("not enrolled")
	switch {
	case m.leave.frozen:
		e = only("frozen")
	case len(m.phones) == 0:
	case by == totpflow.ReasonCode:
		e = m.code(w.now(), "", typed)
	default:
		e = m.recovery(w.now(), "", typed)
	}
	if w.expect("prove", e, said(err)) && err == nil {
		w.check(proof != "", "prove: no proof")
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
		user, a = w.next(2), actions[w.next(len(actions))]
	}
	w.use(t, user, a)
}

func (w *walker) use(t *modelTicket, user int, a totpflow.Action) {
	m, now, p := w.people[user], w.now(), totpflow.Proof(t.value)
	account := w.service().Account(users[user])
	switch a {
	case totpflow.ActionSignIn:
		w.trusts(t)
	case totpflow.ActionEnroll, totpflow.ActionReplaceAuthenticator, totpflow.ActionAddAuthenticator:
		w.begin(t)
	case totpflow.ActionDisable:
		do := expectation{"ok", func() { m.shelve(now, m.phones...); m.changed(); m.phones, m.codes, m.offer = nil, nil, nil }}
		if m.required {
			do = only("required")
		}
		w.expectChange("disable", user, func(got string) expectation { return m.with(t, user, a, now, got, do) })(account.Disable(w.ctx, p))
	case totpflow.ActionRemoveAuthenticator:
		i, id, do := w.next(3), "nobody", only("unknown")
		if st, err := account.Status(w.ctx); err == nil && i < len(st.Authenticators) {
			w.check(len(st.Authenticators) == len(m.phones), "status: %d authenticators, in the model %d", len(st.Authenticators), len(m.phones))
			id, do = st.Authenticators[i].ID, only("last")
		}
		if len(m.phones) > 1 && id != "nobody" {
			do = expectation{"ok", func() { m.shelve(now, m.phones[i]); m.changed(); m.phones = append(m.phones[:i:i], m.phones[i+1:]...) }}
		}
		w.expectChange("remove", user, func(got string) expectation { return m.with(t, user, a, now, got, do) })(account.RemoveAuthenticator(w.ctx, p, id))
	case totpflow.ActionRecoveryCodes:
		sheet, change, err := account.NewRecoveryCodes(w.ctx, p)
		do := expectation{"ok", func() { m.generation++; m.renew(sheet.Codes); w.codes = append(w.codes, sheet.Codes...) }}
		w.expectChange("new codes", user, func(got string) expectation { return m.with(t, user, a, now, got, do) })(change, err)
	default:
		do := expectation{"ok", func() {}}
		w.expectError("spend", account.ConsumeProof(w.ctx, p, a), func(got string) expectation { return m.with(t, user, a, now, got, do) })
	}
}

func (w *walker) trusts(t *modelTicket) {
	m, now := w.people[t.user], w.now()
	b, err := w.service().TrustBrowser(w.ctx, totpflow.Proof(t.value), "x")
	do := expectation{"ok", func() {
		if len(m.browsers) == trust.MaxBrowsers {
			oldest := 0
			for i, b := range m.browsers {
				if b.at.Before(m.browsers[oldest].at) {
					oldest = i
				}
			}
			m.browsers = append(m.browsers[:oldest:oldest], m.browsers[oldest+1:]...)
		}
		st, err := w.services[0].Account(users[t.user]).Status(w.ctx)
		w.need(err, "status")
		w.check(len(st.Browsers) > 0, "status: the browser is not there")
		m.browsers = append(m.browsers, &modelBrowser{
			mark: mark{at: now}, id: st.Browsers[len(st.Browsers)-1].ID, token: b.Token, seen: now,
		})
		w.tokens = append(w.tokens, b.Token)
	}}
	if t.reason == totpflow.ReasonRecoveryCode {
		do = only("proof")
	}
	w.expectError("trust", err, func(got string) expectation { return m.with(t, t.user, totpflow.ActionSignIn, now, got, do) })
}

// revokes takes away what needs no proof: trust, and on a change of the
// password everything that is under way.
func (w *walker) revokes() {
	user := w.next(2)
	m, account := w.people[user], w.service().Account(users[user])
	switch w.next(12) {
	case 0:
		w.expectChange("password", user, func(string) expectation {
			return expectation{"ok", func() { m.changed(); m.leave.password, m.leave.issued = w.now(), nil }}
		})(account.PasswordChanged(w.ctx))
	case 2:
		w.expectChange("end sessions", user, func(string) expectation { return expectation{"ok", m.changed} })(account.EndSessions(w.ctx))
	case 1:
		do := only("ok")
		if len(m.browsers) > 0 {
			do.then = func() { m.browsers = nil }
		}
		w.expectError("revoke all", account.RevokeBrowsers(w.ctx), func(string) expectation { return do })
	default:
		st, err := account.Status(w.ctx)
		if err != nil || len(st.Browsers) == 0 {
			return
		}
		b := st.Browsers[w.next(len(st.Browsers))]
		w.expectError("revoke", account.RevokeBrowser(w.ctx, b.ID), func(string) expectation {
			return expectation{"ok", func() {
				m.browsers = slices.DeleteFunc(m.browsers, func(known *modelBrowser) bool { return known.id == b.ID })
			}}
		})
	}
}
