package walk

import (
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// A model is what one account should do, without store, seal or process. Every method
// returns a word, and the changes that follow if the answer goes out: an answer that
// never went out has changed nothing.
type model struct {
	required   bool // with a grace period of graceLife
	generation int  // of tickets: those of another generation are over
	sessions   int  // how often they had ended when the mark was drawn; 0 for none
	ends       int  // how often they have ended, also before the record was deleted
	revoked    int  // how often trust was revoked: earlier proofs trust no browser
	phones     []*modelPhone
	offer      *modelOffer
	codes      map[string]bool // recovery codes of the set: whether they are unused
	made       time.Time       // when the set was made
	browsers   []*modelBrowser
	budget     throttle.Budget // has a model of its own, in package throttle
	rate       throttle.Rate
	state      modelState
}

type modelPhone struct {
	key   totp.Key
	last  totp.Step
	added time.Time
}

// A mark is a time at which something was handed out. It is in doubt if a clock that ran
// ahead may have ended it before it came back: it may work or not.
type mark struct {
	at    time.Time
	doubt bool
}

type modelTicket struct {
	mark
	user, generation int
	proof            bool // otherwise a challenge
	action           totpflow.Action
	target           string // of an action on one authenticator
	revoked          int
	reason           totpflow.Reason
	spent            bool
	value            string
}

type modelOffer struct {
	mark             // of the ticket that it began with
	began            mark
	user, generation int
	token            totpflow.EnrollmentToken
	by               totpflow.EnrollmentGrant
	phone            *modelPhone
	adds             bool
}

type modelBrowser struct {
	mark
	id    string
	token trust.Token
	seen  time.Time
}

// holds decides about the whole life of a ticket. The answer got decides about a ticket
// in doubt.
func (m *model) holds(t *modelTicket, now time.Time, got string) bool {
	life := totpflow.ChallengeLifetime
	if t.proof {
		life = totpflow.ProofLifetime
	}
	age := now.Sub(t.at)
	return !t.spent && t.generation == m.generation && age >= -30*time.Second && age < life &&
		!(t.doubt && got == t.over())
}

func (t *modelTicket) over() string {
	if t.proof {
		return "proof"
	}
	return "challenge"
}

func (m *model) signIn(now time.Time, tokens []trust.Token, got string) expectation {
	switch {
	case m.state.frozen:
		return only("frozen")
	case m.state.exempt:
		return only("exempt")
	case m.state.reset:
		return only(m.state.afterReset(now, got))
	case len(m.phones) == 0 && m.required:
		return m.withinGrace(now)
	case len(m.phones) == 0:
		return only("in")
	}
	for _, b := range m.browsers {
		ahead := b.at.After(now.Add(30*time.Second)) || b.seen.After(now.Add(30*time.Second))
		if !slices.Contains(tokens, b.token) || ahead || now.Sub(b.at) > trust.DefaultAge || b.doubt && got == "ask" {
			continue
		}
		if now.Sub(b.seen) < 24*time.Hour {
			return only("trusted")
		}
		return expectation{"trusted", func() { b.seen = now }}
	}
	return only("ask")
}

// second is the second step: a challenge that asks for a code, and a check.
func (m *model) second(t *modelTicket, now time.Time, got string, check expectation) expectation {
	if t.proof || t.action != totpflow.ActionSignIn || !m.holds(t, now, got) {
		return only("challenge")
	}
	if check.answer != "ok" {
		return check
	}
	answer := "in"
	if m.state.reset { // by a factor that was left: to the enrollment, not past it
		answer = "set up"
	}
	return expectation{answer, func() { t.spent = true; check.then() }}
}

func (m *model) chances() int { return 3 * max(1, len(m.phones)) }

// code is one code of an app, charged to the ticket tag.
func (m *model) code(now time.Time, tag, typed string) expectation {
	if m.budget.Allow(now, throttle.Default(), m.chances()) != nil {
		return only("throttled")
	}
	answer, burn := m.look(now, 1, typed)
	switch {
	case len(m.phones) == 0:
		return only("not enrolled")
	case answer == "ok":
		return expectation{"ok", func() { burn(); m.budget = m.budget.Succeed(now, tag) }}
	case answer == "rejected":
		return expectation{"rejected", func() { m.budget = m.budget.Fail(now, throttle.Default(), tag, m.chances()) }}
	}
	return only(answer)
}

// pair is two consecutive codes.
func (m *model) pair(now time.Time, tag, first, second string) expectation {
	taken, err := m.budget.Pair(now, throttle.Default())
	if err != nil {
		return only("throttled")
	}
	answer, burn := m.look(now, 2, first+second)
	switch {
	case len(m.phones) == 0:
		answer = "not enrolled"
	case answer == "ok":
		return expectation{"ok", func() { burn(); m.budget = taken.Succeed(now, tag) }}
	}
	return expectation{answer, func() { m.budget = taken }}
}

// look compares n consecutive codes, typed together, with those of every phone. The
// window is one step either way.
func (m *model) look(now time.Time, n int, typed string) (answer string, burn func()) {
	answer = "rejected"
	var steps []func()
	for _, p := range m.phones {
		if p.last > p.key.Step(now)+1 {
			return "clock", nil
		}
		switch step := p.matches(now, n, typed); {
		case step == 0:
		case step <= p.last:
			answer = "used"
		case step-totp.Step(n-1) <= p.last: // a used code with a fresh one after it
		default:
			steps = append(steps, func() { p.last = step })
		}
	}
	if steps == nil {
		return answer, nil
	}
	return "ok", func() {
		for _, burn := range steps {
			burn()
		}
	}
}

// matches returns the latest step of the window that ends the codes typed, or 0.
func (p *modelPhone) matches(now time.Time, n int, typed string) totp.Step {
	for step := p.key.Step(now) + 1; step >= p.key.Step(now)-1; step-- {
		shown := ""
		for i := n - 1; i >= 0; i-- {
			shown += codeOf(p.key, step-totp.Step(i))
		}
		if shown == typed {
			return step
		}
	}
	return 0
}

func codeOf(k totp.Key, s totp.Step) string {
	code, err := k.Code(k.Start(s))
	if err != nil {
		panic(err)
	}
	return code
}

func (m *model) recovery(now time.Time, tag, typed string) expectation {
	rate, err := m.rate.Take(now, 10, time.Hour)
	switch {
	case err != nil:
		return only("throttled")
	case !m.codes[typed]:
		return expectation{"rejected", func() { m.rate = rate }}
	}
	return expectation{"ok", func() {
		m.rate, m.codes[typed], m.budget = rate, false, m.budget.Succeed(now, tag)
		m.generation++
		m.browsers = nil
	}}
}

// begin starts an enrollment, from a challenge or a proof.
func (m *model) begin(t *modelTicket, now time.Time, got string) expectation {
	active, adds := len(m.phones) > 0, t.action == totpflow.ActionAddAuthenticator
	allowed := t.action == totpflow.ActionEnroll && !active ||
		t.proof && (adds || t.action == totpflow.ActionReplaceAuthenticator)
	switch {
	case !allowed || !m.holds(t, now, got):
		return only(t.over())
	case active && adds && len(m.phones) == enroll.MaxAuthenticators:
		return expectation{"limit", func() { t.spent = true }}
	}
	return expectation{"ok", func() { t.spent = t.spent || active }}
}

// standing reports whether o can be seen and confirmed.
func (m *model) standing(o *modelOffer, now time.Time, got string) bool {
	current := func(of mark) bool {
		age := now.Sub(of.at)
		return age >= -30*time.Second && age < enroll.CandidateLifetime && !(of.doubt && got == "enrollment")
	}
	return o == m.offer && o.generation == m.generation && current(o.mark) && current(o.began)
}

// confirm binds the offered key; fresh are the recovery codes that came with it.
func (m *model) confirm(o *modelOffer, now time.Time, typed, got string, fresh []string) expectation {
	if !m.standing(o, now, got) {
		return only("enrollment")
	}
	step := o.phone.matches(now, 1, typed)
	if answer, _ := m.look(now, 1, ""); answer == "clock" && (step == 0 || o.adds) {
		return only(answer)
	}
	if step == 0 {
		return only("rejected")
	}
	return expectation{"in", func() {
		o.phone.last, o.phone.added = step, now
		if !o.adds {
			m.shelve(now, m.phones...)
			m.phones = nil
			m.changed()
		}
		m.state.bound()
		if !o.adds || m.codes == nil {
			m.renew(now, fresh)
		}
		m.phones, m.offer = append(m.phones, o.phone), nil
		m.generation++
	}}
}

func (m *model) renew(now time.Time, codes []string) {
	m.codes, m.made = map[string]bool{}, now
	for _, c := range codes {
		m.codes[c] = true
	}
}

// unused counts the recovery codes left.
func (m *model) unused() (n int) {
	for _, unused := range m.codes {
		if unused {
			n++
		}
	}
	return n
}

// with is an operation that consumes a proof.
func (m *model) with(t *modelTicket, user int, a totpflow.Action, now time.Time, got string, do expectation) expectation {
	if !t.proof || t.user != user || t.action != a || !m.holds(t, now, got) {
		return only("proof")
	}
	if do.then == nil {
		return do
	}
	return expectation{do.answer, func() { t.spent = true; do.then() }}
}

// changed applies what every change of factors ends.
func (m *model) changed() {
	m.generation++
	m.revokeAll()
	m.ends++
	m.sessions = m.ends
}

func (m *model) revokeAll() { m.browsers = nil; m.revoked++ }
