package walk

import (
	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totp"
)

// begins starts an enrollment, or shows one again.
func (w *walker) begins() {
	if o := pick(w, w.offers); o != nil && w.next(3) == 0 {
		w.continues(o)
		return
	}
	if t := w.ticket(w.next(3) > 0); t != nil {
		w.begin(t)
	}
}

func (w *walker) continues(o *modelOffer) {
	page, err := w.service().ContinueEnrollment(w.ctx, o.token, o.by)
	if err == nil {
		w.check(w.scan(page).Equal(o.phone.key), "continue: another offer is shown")
	}
	w.expectError("continue", err, func(got string) expectation {
		if w.people[o.user].standing(o, w.now(), got) {
			return only("ok")
		}
		return only("enrollment")
	})
}

// scan does what a phone does with the QR code.
func (w *walker) scan(page totpflow.PendingEnrollment) totp.Key {
	key, _, err := totp.ParseURI(page.Offer.URI())
	w.need(err, "the offer")
	return key
}

func (w *walker) begin(t *modelTicket) {
	var by totpflow.EnrollmentGrant = totpflow.Challenge(t.value)
	if t.proof {
		by = totpflow.Proof(t.value)
	}
	page, err := w.service().BeginEnrollment(w.ctx, by)
	m := w.people[t.user]
	if !w.expectError("begin", err, func(got string) expectation { return m.begin(t, w.now(), got) }) || err != nil {
		return
	}
	m.offer = &modelOffer{
		mark: t.mark, began: mark{at: w.now()}, user: t.user, generation: m.generation, token: page.Token, by: by,
		phone: &modelPhone{key: w.scan(page)}, adds: t.action == totpflow.ActionAddAuthenticator && len(m.phones) > 0,
	}
	w.offers = append(w.offers, m.offer)
	if w.next(4) > 0 {
		w.confirm(m.offer)
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
	done, err := w.service().ConfirmEnrollment(w.ctx, o.token, code)
	got := word(done.Step, err)
	if w.expect("confirm", m.confirm(o, w.now(), code, got, done.Sheet.Codes), got) && got == "in" {
		w.codes = append(w.codes, done.Sheet.Codes...)
		w.decided(o.user, done.Decision)
	}
}
