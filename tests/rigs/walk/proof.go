package walk

import (
	"context"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/trust"
)

// actions that are proved; one that should be more frequent is listed more often.
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
	purpose := a.On("")
	if a == totpflow.ActionRemoveAuthenticator {
		_, id := w.someAuthenticator(user)
		purpose = a.On(id)
	}
	account := w.service().Account(users[user])
	verify := account.VerifyCode
	if by == totpflow.ReasonRecoveryCode {
		verify = func(ctx context.Context, p totpflow.Purpose, code string) (totpflow.Proof, error) {
			proof, _, err := account.VerifyRecoveryCode(ctx, p, code)
			return proof, err
		}
	}
	proof, err := verify(w.ctx, purpose, typed)
	e := only("not enrolled")
	switch {
	case m.state.frozen:
		e = only("frozen")
	case len(m.phones) == 0:
	case by == totpflow.ReasonCode:
		e = m.code(w.now(), "", typed)
	default:
		e = m.recovery(w.now(), "", typed)
	}
	if w.expect("prove", e, said(err)) && err == nil {
		w.check(proof != "", "prove: no proof")
		w.handed(user, true, string(proof), a, by)
		t := w.tickets[len(w.tickets)-1]
		if t.target = purpose.Target; w.next(3) > 0 {
			w.use(t, user, a)
		}
	}
}

// uses spends a proof on some action, whether it was made for it or not, for its own
// account or the other's.
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
		i, id := w.someAuthenticator(user)
		do := only("proof")
		switch {
		case id != t.target:
		case id == nobody:
			do = only("unknown")
		case len(m.phones) == 1:
			do = only("last")
		default:
			do = expectation{"ok", func() { m.shelve(now, m.phones[i]); m.changed(); m.phones = append(m.phones[:i:i], m.phones[i+1:]...) }}
		}
		w.expectChange("remove", user, func(got string) expectation { return m.with(t, user, a, now, got, do) })(account.RemoveAuthenticator(w.ctx, p, id))
	case totpflow.ActionRecoveryCodes:
		sheet, change, err := account.NewRecoveryCodes(w.ctx, p)
		do := expectation{"ok", func() { m.generation++; m.renew(now, sheet.Codes); w.codes = append(w.codes, sheet.Codes...) }}
		if t.action == totpflow.ActionSignIn && t.reason == totpflow.ReasonCode { // works as well for an hour: nobody marks a set as saved here
			a = totpflow.ActionSignIn
			if age := now.Sub(m.made); m.codes == nil || age < -30*time.Second || age >= time.Hour {
				do = only("proof")
			}
		}
		w.expectChange("new codes", user, func(got string) expectation { return m.with(t, user, a, now, got, do) })(change, err)
	default:
		do := expectation{"ok", func() {}}
		w.expectError("spend", account.ConsumeProof(w.ctx, p, a.On("")), func(got string) expectation { return m.with(t, user, a, now, got, do) })
	}
}

// nobody is the id of no authenticator.
const nobody = "nobody"

// someAuthenticator returns the place and id of one of the user's authenticators,
// mostly the first, or of nobody.
func (w *walker) someAuthenticator(user int) (int, string) {
	m, i := w.people[user], max(0, w.next(6)-3)
	st, err := w.service().Account(users[user]).Status(w.ctx)
	if err != nil || i >= len(st.Authenticators) {
		return 0, nobody
	}
	w.check(len(st.Authenticators) == len(m.phones), "status: %d authenticators, in the model %d", len(st.Authenticators), len(m.phones))
	return i, st.Authenticators[i].ID
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
	if t.reason == totpflow.ReasonRecoveryCode || t.revoked != m.revoked {
		do = only("proof")
	}
	w.expectError("trust", err, func(got string) expectation { return m.with(t, t.user, totpflow.ActionSignIn, now, got, do) })
}

// revokes ends what needs no proof to end: trust and, on a change of the password,
// everything that is under way.
func (w *walker) revokes() {
	user := w.next(2)
	m, account := w.people[user], w.service().Account(users[user])
	switch w.next(12) {
	case 0:
		w.expectChange("password", user, func(string) expectation {
			return expectation{"ok", func() {
				m.changed()
				m.state.password, m.state.issued, m.state.renewed = w.now(), nil, m.state.codeOnly
			}}
		})(account.PasswordChanged(w.ctx))
	case 2:
		w.expectChange("end sessions", user, func(string) expectation { return expectation{"ok", m.changed} })(account.EndSessions(w.ctx))
	case 1:
		do := only("ok")
		if w.exists(user) {
			do.then = m.revokeAll
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
				m.revoked++
			}}
		})
	}
}
