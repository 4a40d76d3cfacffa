package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/totptest"
)

// A house is what the rounds of one run share: a service in this process, which
// prepares what the desks do and looks afterwards, and people.
type house struct {
	*totpflow.Service
	ctx     context.Context
	ring    string
	clock   *totptest.Clock
	desks   race.Children
	figures *race.Figures

	run    string // no other run on the store has its people
	people int
	person *person // of the rounds that share one
}

// A person has an authenticator and recovery codes.
type person struct {
	user  totpflow.User
	phone *totptest.Authenticator
	codes []string
}

// user is somebody whom nobody has seen.
func (h *house) user() totpflow.User {
	h.people++
	return totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: h.run + "-" + strconv.Itoa(h.people)}, Name: "ana@acme.example"}
}

// enrolled is a new person who has set up, in every way a while ago.
func (h *house) enrolled() (*person, error) {
	p := &person{user: h.user()}
	next, err := h.SignIn(h.ctx, p.user)
	if err != nil {
		return nil, err
	}
	page, err := h.BeginEnrollment(h.ctx, next.Challenge)
	if err != nil {
		return nil, err
	}
	if p.phone, err = totptest.ScanURI(page.Offer.URI(), h.clock); err != nil {
		return nil, err
	}
	done, err := h.ConfirmEnrollment(h.ctx, page.Token, p.phone.Code())
	p.codes = done.Sheet.Codes
	h.clock.Advance(time.Hour)
	return p, err
}

// regular is the person of all rounds.
func (h *house) regular() (_ *person, err error) {
	if h.person == nil {
		h.person, err = h.enrolled()
	}
	return h.person, err
}

// pass signs in with a code.
func (h *house) pass(p *person) (totpflow.Decision, error) {
	next, err := h.SignIn(h.ctx, p.user)
	if err != nil {
		return next, err
	}
	return h.VerifyCode(h.ctx, next.Challenge, p.phone.Code())
}

// all gives the order to every desk and returns what they report together.
func (h *house) all(o order) (report, error) {
	return h.each(func(int) order { return o })
}

// each gives every desk an order of its own.
func (h *house) each(of func(desk int) order) (report, error) {
	together := report{Outcomes: make(map[outcome]int)}
	var fault error
	answers, err := h.desks.Ask(func(desk int) string {
		o := of(desk)
		o.Ring, o.At = h.ring, h.clock.Now()
		line, err := json.Marshal(o)
		fault = errors.Join(fault, err)
		return string(line)
	})
	if err := errors.Join(err, fault); err != nil {
		return together, err
	}
	for _, line := range answers {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return together, fmt.Errorf("a desk says %q: %w", line, err)
		}
		together.add(r)
	}
	h.figures.Add(together.figures())
	if together.Fault != "" {
		return together, errors.New(together.Fault)
	}
	return together, nil
}
