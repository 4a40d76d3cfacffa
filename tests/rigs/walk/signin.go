package walk

import (
	"fmt"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// handed notes a ticket that was handed out.
func (w *walker) handed(user int, proof bool, value string, a totpflow.Action, by totpflow.Reason) {
	if value != "" {
		w.tickets = append(w.tickets, &modelTicket{
			mark: mark{at: w.now()}, user: user, generation: w.people[user].generation, revoked: w.people[user].revoked, proof: proof, action: a, reason: by, value: value,
		})
	}
}

func (w *walker) decided(user int, d totpflow.Decision) {
	if d.Step == totpflow.Passed {
		w.check(d.ID.User == users[user].ID.User, "%q is in instead of %q", d.ID.User, users[user].ID.User)
		w.sees(user, d.Mark)
	} else {
		w.check(d.ID.User == "" && d.Proof == "" && d.Mark == "", "somebody who is not in has the id %q, the mark %q, and a proof of %d bytes", d.ID.User, d.Mark, len(d.Proof))
	}
	ask := map[totpflow.Step]totpflow.Action{totpflow.AskCode: totpflow.ActionSignIn, totpflow.Enroll: totpflow.ActionEnroll}
	w.handed(user, false, string(d.Challenge), ask[d.Step], "")
	allows := map[totpflow.Reason]totpflow.Action{
		totpflow.ReasonCode: totpflow.ActionSignIn, totpflow.ReasonRecoveryCode: totpflow.ActionReplaceAuthenticator,
		totpflow.ReasonNotEnrolled: totpflow.ActionEnroll, totpflow.ReasonGrace: totpflow.ActionEnroll,
	}
	w.handed(user, true, string(d.Proof), allows[d.Reason], d.Reason)
}

func (w *walker) signsIn() {
	user, tokens := w.next(2), []trust.Token{"nonsense"}
	if w.next(2) == 1 {
		tokens = append(tokens, pick(w, w.tokens))
	}
	d, err := w.service().SignIn(w.ctx, users[user], tokens...)
	got := word(d.Step, err)
	if d.Reason == totpflow.ReasonTrustedBrowser {
		got = "trusted"
	}
	if w.expect("sign in", w.people[user].signIn(w.now(), tokens, got), got) {
		w.decided(user, d)
	}
}

// settles has somebody who signs in go on at once: answer the question, or begin to set
// up if there is none.
func (w *walker) settles() {
	before := len(w.tickets)
	w.signsIn()
	if len(w.tickets) == before {
		return
	}
	switch t := w.tickets[before]; t.action {
	case totpflow.ActionEnroll:
		w.begin(t)
	case totpflow.ActionSignIn:
		w.verify(t)
	}
}

// machine signs in where machines do.
func (w *walker) machine() {
	n := w.next(6)
	user := n % 2
	m := w.people[user]
	of := m.sessions // when its key was made
	if n < 2 {
		of = m.ends / 2
	}
	d, err := w.service().SignInMachine(w.ctx, users[user], w.marks[user][of])
	e := only("not exempt")
	switch {
	case m.state.frozen:
		e = only("frozen")
	case m.state.exempt && (of != m.sessions || w.marks[user][of] == ""):
		e = only("ended key")
	case m.state.exempt:
		e = only("in")
	}
	if w.expect("machine", e, word(d.Step, err)) {
		w.check(d.Proof == "" && d.Challenge == "", "machine: it has a ticket")
	}
}

// guesses plays somebody who has the password and no phone.
func (w *walker) guesses() {
	t := w.ticket(false)
	if t == nil {
		return
	}
	guess := w.guess
	if w.next(3) == 0 {
		guess = w.issuedCode
	}
	for range 2 + w.next(10) {
		guess(t)
	}
}

func (w *walker) guess(t *modelTicket) {
	m, code := w.people[t.user], fmt.Sprintf("%06d", 111111*w.next(10))
	d, err := w.service().VerifyCode(w.ctx, totpflow.Challenge(t.value), code)
	got := word(d.Step, err)
	if w.expect("verify", m.second(t, w.now(), got, m.code(w.now(), t.value, code)), got) {
		w.decided(t.user, d)
	}
}

// code returns a code for the person's app: the next one that it shows, one of a step
// near now, one typed before, or a wrong one.
func (w *walker) code(m *model) (code string, of *modelPhone) {
	of = pick(w, m.phones)
	switch n := w.next(10); {
	case of == nil || n == 0:
		code = fmt.Sprintf("%06d", 111111*w.next(10))
	case n == 1:
		w.jump(of.key.Params().Period)
		code = codeOf(of.key, of.key.Step(w.now()))
	case n < 7:
		code = codeOf(of.key, max(of.key.Step(w.now())+totp.Step([]int{0, 0, 0, -1, 1, 2, -2}[n]), 1))
	default:
		code = pick(w, w.typed)
	}
	if code == "" {
		code = "000000"
	}
	w.typed = append(w.typed, code)
	return code, of
}

func (w *walker) verifies() {
	if t := w.ticket(false); t != nil {
		w.verify(t)
	}
}

// verify is a second step. A person who is let in may trust the browser at once.
func (w *walker) verify(t *modelTicket) {
	m, c, s := w.people[t.user], totpflow.Challenge(t.value), w.service()
	var d totpflow.Decision
	var err error
	var e expectation
	what := "verify"
	switch w.next(10) {
	case 8, 9:
		w.issuedCode(t)
		return
	case 0:
		code := pick(w, w.codes)
		if code == "" {
			return
		}
		what = "recover"
		d, err = s.VerifyRecoveryCode(w.ctx, c, code)
		e = m.recovery(w.now(), t.value, code)
	case 1:
		what = "pair"
		first, of := w.code(m)
		second, _ := w.code(m)
		if of != nil && w.next(4) > 0 {
			step := of.key.Step(w.now())
			first, second = codeOf(of.key, step-1), codeOf(of.key, step)
		}
		d, err = s.VerifyPair(w.ctx, c, first, second)
		e = m.pair(w.now(), t.value, first, second)
	default:
		code, _ := w.code(m)
		d, err = s.VerifyCode(w.ctx, c, code)
		e = m.code(w.now(), t.value, code)
	}
	got := word(d.Step, err)
	if w.expect(what, m.second(t, w.now(), got, e), got) {
		w.decided(t.user, d)
		if d.Proof != "" && w.next(3) == 0 {
			w.trusts(w.tickets[len(w.tickets)-1])
		}
	}
}

// issuedCode tries an issued code, or a recovery code in its place.
func (w *walker) issuedCode(t *modelTicket) {
	code := pick(w, w.issued)
	if w.next(8) == 0 {
		code = pick(w, w.codes)
	}
	if code == "" {
		return
	}
	m, now := w.people[t.user], w.now()
	d, err := w.service().VerifyIssuedCode(w.ctx, totpflow.Challenge(t.value), code)
	got := word(d.Step, err)
	if w.expect("issued", m.redeem(t, now, code, got), got) {
		w.decided(t.user, d)
	}
}
