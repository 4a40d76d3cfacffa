package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/totptest"
)

// A fixture is what the rounds of one run share: a service in this process, which
// prepares what the replicas do and checks the result, and people.
type fixture struct {
	*totpflow.Service
	ctx      context.Context
	ring     string
	clock    *totptest.Clock
	replicas race.Children
	figures  *race.Figures

	run    string // distinguishes its people from those of any other run on the store
	people int
	person *person // the person of the rounds that share one
}

// A person has an authenticator and recovery codes.
type person struct {
	user  totpflow.User
	phone *totptest.Authenticator
	codes []string
}

// user returns a person who was never seen.
func (f *fixture) user() totpflow.User {
	f.people++
	return totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: f.run + "-" + strconv.Itoa(f.people)}, Name: "ana@acme.example"}
}

// enrolled returns a new person who has set up, long enough ago in every respect.
func (f *fixture) enrolled() (*person, error) {
	p := &person{user: f.user()}
	next, err := f.SignIn(f.ctx, p.user)
	if err != nil {
		return nil, err
	}
	page, err := f.BeginEnrollment(f.ctx, next.Challenge)
	if err != nil {
		return nil, err
	}
	if p.phone, err = totptest.ScanURI(page.Offer.URI(), f.clock); err != nil {
		return nil, err
	}
	done, err := f.ConfirmEnrollment(f.ctx, page.Token, p.phone.Code())
	p.codes = done.Sheet.Codes
	f.clock.Advance(time.Hour)
	return p, err
}

// regular returns the person of all rounds.
func (f *fixture) regular() (_ *person, err error) {
	if f.person == nil {
		f.person, err = f.enrolled()
	}
	return f.person, err
}

// pass signs in with a code.
func (f *fixture) pass(p *person) (totpflow.Decision, error) {
	next, err := f.SignIn(f.ctx, p.user)
	if err != nil {
		return next, err
	}
	return f.VerifyCode(f.ctx, next.Challenge, p.phone.Code())
}

// all gives the order to every replica and returns their combined report.
func (f *fixture) all(o order) (report, error) {
	return f.each(func(int) order { return o })
}

// each gives every replica an order of its own.
func (f *fixture) each(of func(replica int) order) (report, error) {
	together := report{Outcomes: make(map[outcome]int)}
	var fault error
	answers, err := f.replicas.Ask(func(replica int) string {
		o := of(replica)
		o.Ring, o.At = f.ring, f.clock.Now()
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
			return together, fmt.Errorf("a replica says %q: %w", line, err)
		}
		together.add(r)
	}
	f.figures.Add(together.figures())
	if together.Fault != "" {
		return together, errors.New(together.Fault)
	}
	return together, nil
}
