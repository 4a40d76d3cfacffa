package command

import (
	"context"
	"strings"
	"time"
)

// phoneCodes are the codes of a person who signs in by phone.
type phoneCodes struct {
	client    client
	challenge string
	to        phone
	via       string    // how the last one was sent
	again     time.Time // when another one can be sent; zero: now
	noCalls   bool      // the server does not call
}

// byPhone reports whether the person has no app, but a phone that can receive a code.
func (e *refusal) byPhone() bool {
	return e.has("phone-code") && !e.has("code") && len(e.Phones) > 0
}

// codesByPhone requests the first code. It returns nil if the person signs in by an app.
func (a *agent) codesByPhone(ctx context.Context, c client, asked *refusal) (*phoneCodes, error) {
	if !asked.byPhone() {
		return nil, nil
	}
	to, err := a.whichPhone(ctx, asked.Phones)
	if err != nil {
		return nil, err
	}
	p := &phoneCodes{client: c, challenge: asked.Challenge, to: to, via: "sms"}
	if to.Via == "voice" { // a landline
		p.via = "voice"
	}
	if asked.Sent != nil { // by the server itself, for this sign-in
		p.via, p.again = asked.Sent.Via, asked.Sent.Again
		a.noteSent(p.via, asked.Sent.To)
	} else {
		number, err := p.send(ctx, p.via)
		if refused, ok := refusedFor(err, "not_sent"); ok && refused.Reason == "via" { // the server does not call: a phone may show an SMS
			p.noCalls, p.via = true, "sms"
			number, err = p.send(ctx, "sms")
		}
		refused, ok := refusedFor(err, "not_sent")
		switch {
		case err == nil:
			a.noteSent(p.via, number)
		case ok && refused.Reason == "wait":
			a.note(a.text("codeElsewhere"))
			a.noteUnsent(p, refused)
			return p, nil
		default:
			return nil, err
		}
	}
	a.offerAnother(p)
	return p, nil
}

// offerAnother tells a person how another code is requested, and from when on the server
// sends it.
func (a *agent) offerAnother(p *phoneCodes) {
	now, later := "againOrCall", "againOrCallLater"
	switch {
	case p.via == "voice":
		now, later = "againOrSMS", "againOrSMSLater"
	case p.noCalls:
		now, later = "again", "againLater"
	}
	switch wait := p.again.Sub(a.Now()); {
	case !a.person():
	case wait > 0:
		a.note(a.text(later, "Wait", a.words.Span(wait)))
	default:
		a.note(a.text(now))
	}
}

// whichPhone asks which phone receives the code, if there are several.
func (a *agent) whichPhone(ctx context.Context, phones []phone) (phone, error) {
	if len(phones) == 1 {
		return phones[0], nil
	}
	numbers := make([]string, len(phones))
	for i, one := range phones {
		numbers[i] = one.Number
	}
	i, err := a.pick(ctx, a.text("askPhone"), a.text("noSuchPhone"), numbers, func(string) int { return -1 })
	if err != nil {
		return phone{}, err
	}
	return phones[i], nil
}

// noteSent says how a code was sent and to which number.
func (a *agent) noteSent(via, number string) {
	if via == "voice" {
		a.note(a.text("calling", "To", number))
		return
	}
	a.note(a.text("codeSent", "To", number))
}

// send requests a code and returns the number that it goes to.
func (p *phoneCodes) send(ctx context.Context, via string) (string, error) {
	var sent sentCode
	err := p.client.post(ctx, factor+"/phone-code", object{"challenge": p.challenge, "phone": p.to.ID, "via": via}, &sent)
	if err == nil {
		p.via, p.again = via, sent.Again
	}
	return sent.To, err
}

// codeOf asks for a code. While it is for a code by phone, a person may have another one
// sent: in the same way by pressing Enter alone, or in the way that they name.
func (a *agent) codeOf(ctx context.Context, pair bool, sent *phoneCodes, question string) (code, error) {
	for {
		given, err := a.askCode(ctx, pair, sent != nil, question)
		if err != nil || pair || sent == nil || !a.person() {
			return given, err
		}
		via := sent.via
		switch word, _ := given["recovery_code"].(string); {
		case given.empty():
		case strings.EqualFold(strings.TrimSpace(word), a.text("wordCall")):
			via = "voice"
		case strings.EqualFold(strings.TrimSpace(word), "sms"):
			via = "sms"
		default:
			return given, nil
		}
		if err := a.another(ctx, sent, via); err != nil {
			return nil, err
		}
	}
}

// another requests another code. If it is not sent, the last one may still arrive.
func (a *agent) another(ctx context.Context, sent *phoneCodes, via string) error {
	number, err := sent.send(ctx, via)
	if err == nil {
		a.noteSent(via, number)
		a.offerAnother(sent)
		return nil
	}
	refused, ok := refusedFor(err, "not_sent")
	if !ok {
		return err
	}
	a.noteUnsent(sent, refused)
	return nil
}

// noteUnsent says why no code was sent, and when one can be.
func (a *agent) noteUnsent(p *phoneCodes, refused *refusal) {
	switch {
	case refused.Reason == "via":
		p.noCalls = true
		a.correct(a.text("noCalls"))
		a.offerAnother(p)
	case !refused.Until.IsZero() && a.person():
		p.again = refused.Until
		a.offerAnother(p)
	case !refused.Until.IsZero():
		a.correct(a.text("nextCode", "Wait", a.words.Span(refused.Until.Sub(a.Now()))))
	default:
		_, text := a.explainRefusal(refused)
		a.correct(text)
	}
}
