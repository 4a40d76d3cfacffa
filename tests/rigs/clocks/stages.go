package clocks

import (
	"errors"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/throttle"
)

var stages = []struct {
	name string
	act  func(*life)
}{
	{"over the moment", crosses},
	{"second by second", ticks},
	{"an hour forward and back", runsAhead},
	{"an hour back and forward", fallsBack},
	{"waits", waits},
	{"set-up pages", sets},
}

const (
	period  = 30 * time.Second
	maxWait = time.Hour // throttle.Default
)

// crosses goes past the moment as if it were any other: used codes stay used, valid ones
// stay valid, and times do not change.
func crosses(l *life) {
	l.at(-5 * time.Minute)
	p := l.enrol()
	browser, session := p.trusts(), p.mark()
	l.at(-period)
	early := p.challenge()
	code := p.app.Code()
	_, err := p.try(p.challenge(), code)
	must(err)
	l.at(time.Second)
	p.refused(code, code)
	p.trusted(browser)
	_, err = p.try(early, p.app.Code())
	must(err)
	status, err := l.mfa.Account(p.user).Status(l.ctx)
	must(err)
	age := l.clock.Now().Sub(status.Authenticators[0].Added)
	want(age > 5*time.Minute-2*period && age < 5*time.Minute+2*period, "set up %v ago", age)
	want(status.Browsers[0].Issued.Before(l.moment), "the browser is of %v", status.Browsers[0].Issued)
	valid, err := l.mfa.Account(p.user).SessionValid(l.ctx, session)
	must(err)
	want(valid, "the earlier session is over")
}

// ticks moves by a second, and each time a second back and forth again, over two periods:
// each code is accepted once.
func ticks(l *life) {
	l.at(-time.Hour)
	p := l.enrol()
	l.at(-period)
	before := l.seen.Accepted
	for range 2 * period / time.Second {
		for _, d := range []time.Duration{time.Second, -time.Second, time.Second} {
			l.clock.Advance(d)
			_, err := p.try(p.challenge(), p.app.Peek())
			want(err == nil || errors.Is(err, totpflow.ErrAlreadyUsed), "a code on the display: %v", err)
		}
	}
	got := l.seen.Accepted - before
	want(got == 2 || got == 3, "%d codes in two periods", got) // since it begins in the middle of one
}

// runsAhead puts the clock an hour ahead for a while. When it is right again, the codes
// that were used meanwhile are in its future: nobody gets in by a code until the time of
// the last one has passed, and everybody does from then on. A browser that was trusted
// meanwhile has lost its trust for good, since that trust would lie in the future.
func runsAhead(l *life) {
	l.at(-40 * time.Minute)
	p := l.enrol()
	browser := p.trusts()
	old, code := p.challenge(), p.app.Code()
	_, err := p.try(p.challenge(), code)
	must(err)

	l.clock.Advance(time.Hour)
	_, err = p.try(old, p.app.Code())
	want(errors.Is(err, totpflow.ErrChallenge), "the challenge of an hour ago: %v", err)
	p.trusted(browser)
	ahead := p.trusts()
	issued := l.clock.Now()
	late, last := p.challenge(), p.app.Code()
	_, err = p.try(p.challenge(), last)
	must(err)
	until := l.clock.Now()

	l.at(-39 * time.Minute)
	for l.clock.Now().Before(until.Add(-period)) {
		p.refused(code, last, p.app.Peek())
		if l.clock.Now().Before(issued.Add(-time.Minute)) {
			p.challenge(ahead)
		}
		_, err = p.try(late, p.app.Peek())
		want(err != nil, "let in by a challenge of the future")
		_, err = l.mfa.VerifyPair(l.ctx, p.challenge(), code, last)
		want(err != nil, "let in by two codes of which one is of the future")
		l.clock.Advance(10 * time.Minute)
	}
	l.clock.Set(until)
	p.refused(last)
	l.clock.Advance(period)
	p.pass()
	p.challenge(ahead)
}

// fallsBack puts the clock an hour behind for a while: nobody gets in by anything that
// was made or used later. When the clock is right again everybody gets in at once, by a
// code: trust that lay in the future of that hour was dropped.
func fallsBack(l *life) {
	l.at(20 * time.Minute)
	p := l.enrol()
	browser := p.trusts()
	code := p.app.Code()
	_, err := p.try(p.challenge(), code)
	must(err)
	later, next := p.challenge(), p.app

	l.at(-40 * time.Minute)
	p.refused(code, next.Peek())
	_, err = p.try(later, next.Peek())
	want(errors.Is(err, totpflow.ErrChallenge), "a challenge of the future: %v", err)
	_, err = p.try(p.challenge(browser), next.Peek())
	want(errors.Is(err, enroll.ErrClock), "a code of the past: %v", err)
	behind := p.challenge()

	l.at(20*time.Minute + 4*period)
	p.refused(code)
	_, err = p.try(behind, next.Code())
	want(errors.Is(err, totpflow.ErrChallenge), "a challenge of an hour ago: %v", err)
	p.pass()
	p.challenge(browser)
}

// waits has somebody guess until the account is locked, while the clock is right and
// while it is an hour ahead. Neither a jump nor the moment prolongs the lock, and at its
// end the owner gets in.
func waits(l *life) {
	for _, ahead := range []time.Duration{0, time.Hour} {
		l.at(-ahead - time.Minute)
		p := l.enrol()
		l.clock.Advance(ahead)
		wait := p.guess()
		want(wait.Wait > 0 && wait.Wait <= maxWait, "a wait of %v", wait.Wait)
		until := wait.Until
		l.clock.Advance(-ahead)
		_, err := p.try(p.challenge(), p.app.Peek())
		want(errors.As(err, &wait), "let in before the wait is over: %v", err)
		want(!wait.Until.After(until), "to wait until %v has become until %v", until, wait.Until)
		l.clock.Set(until.Add(-time.Second))
		_, err = p.try(p.challenge(), p.app.Peek())
		want(errors.As(err, &wait), "let in before the wait is over: %v", err)
		want(!wait.Until.After(until), "to wait until %v has become until %v", until, wait.Until)
		l.clock.Set(until)
		p.pass()
	}
}

// guess types wrong codes until the account is locked.
func (p *person) guess() *throttle.Error {
	var wait *throttle.Error
	for range 20 {
		_, err := p.try(p.challenge(), p.app.WrongCode())
		if errors.As(err, &wait) {
			return wait
		}
		want(errors.Is(err, totpflow.ErrRejected), "a wrong code: %v", err)
	}
	panic(fault{errors.New("twenty wrong codes and no wait")})
}

// sets opens enrollment pages before the moment and while the clock is ahead.
func sets(l *life) {
	l.at(-time.Minute)
	inTime, page := l.begin()
	tooLate, expired := l.begin()
	l.at(period)
	inTime.confirm(page)
	inTime.pass()
	l.at(enroll.CandidateLifetime)
	_, err := l.mfa.ConfirmEnrollment(l.ctx, expired.Token, tooLate.app.Code())
	want(errors.Is(err, totpflow.ErrEnrollmentExpired), "a page of a quarter of an hour ago: %v", err)

	l.at(time.Hour)
	p, future := l.begin()
	l.at(0)
	_, err = l.mfa.ConfirmEnrollment(l.ctx, future.Token, p.app.Peek())
	want(errors.Is(err, totpflow.ErrEnrollmentExpired), "a page of the future: %v", err)
	p.confirm(p.beginAgain())
	p.pass()
}
