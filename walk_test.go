package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// A walker lets two people do things in an order that a script of bytes says,
// through two services over one store, and holds every answer against the
// model. It keeps all that was ever handed out, and tries it again at any time,
// also as the other person.
type walker struct {
	*house
	script    []byte
	processes []*totpflow.Service
	people    [2]*model
	sessions  [2]time.Time // the latest SessionsFrom seen
	refusing  bool         // the store refuses reads or writes

	tickets []*modelTicket
	offers  []*modelOffer
	tokens  []trust.Token
	codes   []string // recovery codes
	typed   []string // an app's codes
	issued  []string // issued codes
	told    []time.Time
	answers map[string]int
}

var walkers = [2]totpflow.User{{Tenant: "acme", ID: "1"}, {Tenant: "acme", ID: "2"}}

func newWalker(t testing.TB, script []byte) *walker {
	change := func(c *totpflow.Config) { c.Events, c.Policy = quiet, requiredFor(walkers[1].ID) }
	w := &walker{house: newHouse(t, change), script: script, answers: map[string]int{}}
	w.people, w.told = [2]*model{{}, {required: true}}, []time.Time{start}
	w.processes = []*totpflow.Service{w.Service, w.open(change)}
	return w
}

// next is the next byte of the script, less than n.
func (w *walker) next(n int) int {
	if len(w.script) == 0 || n == 0 {
		return 0
	}
	b := w.script[0]
	w.script = w.script[1:]
	return int(b) % n
}

// pick takes mostly one of the last handed out, and any now and then.
func pick[T any](w *walker, all []T) (one T) {
	if len(all) == 0 {
		return one
	}
	if n := w.next(256); n < 240 {
		return all[len(all)-1-n%min(4, len(all))]
	}
	return all[w.next(len(all))]
}

// ticket is mostly one of the kind that is wanted.
func (w *walker) ticket(proof bool) *modelTicket {
	all := w.tickets
	if w.next(16) > 0 {
		all = nil
		for _, t := range w.tickets {
			if t.proof == proof {
				all = append(all, t)
			}
		}
	}
	return pick(w, all)
}

// The steps of a walk. What is done more often stands here more often.
var walkSteps = []func(*walker){
	(*walker).clockMoves, (*walker).clockMoves, (*walker).clockMoves,
	(*walker).signsIn, (*walker).signsIn, (*walker).signsIn, (*walker).signsIn,
	(*walker).verifies, (*walker).verifies, (*walker).verifies, (*walker).verifies, (*walker).verifies,
	(*walker).begins, (*walker).begins, (*walker).confirms, (*walker).confirms,
	(*walker).proves, (*walker).proves, (*walker).proves,
	(*walker).uses, (*walker).uses, (*walker).uses, (*walker).uses,
	(*walker).revokes, (*walker).storeFails,
	(*walker).administers, (*walker).administers, (*walker).disowns, (*walker).machine,
	(*walker).settles, (*walker).settles, (*walker).settles,
}

func (w *walker) walk() {
	for len(w.script) > 0 {
		walkSteps[w.next(len(walkSteps))](w)
		if len(w.script)%4 == 0 {
			w.look()
		}
	}
	w.look()
}

func (w *walker) now() time.Time             { return w.clock.Now() }
func (w *walker) process() *totpflow.Service { return w.processes[w.next(2)] }

// clockMoves also puts in doubt what a clock ahead may have ended for good.
func (w *walker) clockMoves() {
	jumps := []time.Duration{time.Second, 10 * time.Second, 30 * time.Second, 30 * time.Second, time.Minute, -time.Second, -20 * time.Second}
	if w.next(6) == 0 {
		jumps = []time.Duration{
			-time.Minute, 4 * time.Minute, 9 * time.Minute, -10 * time.Minute, 20 * time.Minute, -20 * time.Minute,
			time.Hour, -time.Hour, 25 * time.Hour, 29 * 24 * time.Hour,
		}
	}
	w.clock.Advance(jumps[w.next(len(jumps))])
	doubt := func(m *mark, life time.Duration) {
		age := w.now().Sub(m.at)
		m.doubt = m.doubt || age >= life || age < -30*time.Second
	}
	for _, t := range w.tickets {
		doubt(&t.mark, enroll.CandidateAge)
		t.doubt = t.doubt || t.at.After(w.now()) // behind what is forgotten, all tickets begin anew
	}
	for _, o := range w.offers {
		doubt(&o.mark, enroll.CandidateAge)
		o.doubt = o.doubt || o.at.After(w.now())
	}
	for _, m := range w.people {
		for _, b := range m.browsers {
			doubt(&b.mark, trust.MaxAge)
		}
		for _, k := range m.leave.kept {
			doubt(&k.mark, enroll.KeptAge)
		}
		if i := m.leave.issued; i != nil {
			doubt(&i.mark, 24*time.Hour)
		}
	}
}

func (w *walker) storeFails() {
	faults := []totptest.Faults{
		{}, {}, {}, {}, {}, {}, {}, {Put: errors.New("disk full")}, {Get: errors.New("gone")},
		{Lost: errors.New("reset by peer")}, {Lost: store.ErrConflict},
	}
	f := faults[w.next(len(faults))]
	w.store.SetFaults(f)
	w.refusing = f.Put != nil || f.Get != nil
}

// words are the answers that the model knows.
var words = []struct {
	is   error
	word string
}{
	{store.ErrUnavailable, "unavailable"}, {throttle.ErrThrottled, "throttled"}, {totpflow.ErrAlreadyUsed, "used"}, {totpflow.ErrRejected, "rejected"},
	{totpflow.ErrChallenge, "challenge"}, {totpflow.ErrProof, "proof"}, {totpflow.ErrEnrollment, "enrollment"}, {totpflow.ErrNotEnrolled, "not enrolled"},
	{totpflow.ErrFrozen, "frozen"}, {totpflow.ErrExempt, "exempt"}, {totpflow.ErrNotExempt, "not exempt"}, {totpflow.ErrNoAccount, "no account"},
	{totpflow.ErrPasswordRecent, "recent"}, {totpflow.ErrDisown, "disown"}, {totpflow.ErrEnrolled, "enrolled"}, {totpflow.ErrGrace, "grace"},
	{enroll.ErrTransition, "transition"},
	{totpflow.ErrRequired, "required"}, {enroll.ErrClock, "clock"}, {enroll.ErrLimit, "limit"}, {enroll.ErrLast, "last"}, {enroll.ErrUnknown, "unknown"},
}

func word(step totpflow.Step, err error) string {
	for _, w := range words {
		if errors.Is(err, w.is) {
			return w.word
		}
	}
	if err != nil {
		return err.Error()
	}
	return map[totpflow.Step]string{totpflow.Passed: "in", totpflow.AskCode: "ask", totpflow.SetUp: "set up"}[step]
}

// expect holds an answer against the model, and lets the model go on by it.
func (w *walker) expect(what string, e expectation, got string) bool {
	w.t.Helper()
	w.answers[what+": "+got]++
	if w.refusing && got == "unavailable" {
		return false
	}
	require.Equal(w.t, e.answer, got, "%s at %v", what, w.now())
	if e.then != nil {
		require.False(w.t, w.refusing, "%s went through although the store refused", what)
		e.then()
	}
	return true
}

// look compares what can be seen of the accounts, and that no session that was
// over comes back.
func (w *walker) look() {
	w.t.Helper()
	if w.refusing {
		return
	}
	for i, m := range w.people {
		st, err := w.processes[i].Account(walkers[i]).Status(w.ctx)
		require.NoError(w.t, err)
		require.Len(w.t, st.Authenticators, len(m.phones))
		require.Equal(w.t, m.unused(), st.RecoveryCodes.Left)
		require.LessOrEqual(w.t, len(st.Browsers), len(m.browsers))
		require.False(w.t, st.SessionsFrom.Before(w.sessions[i]))
		w.sessions[i] = st.SessionsFrom
		w.lookAtLeave(i)
	}
}

// handed keeps a ticket that was handed out.
func (w *walker) handed(user int, proof bool, value string, a totpflow.Action, by totpflow.Reason) {
	if value != "" {
		w.tickets = append(w.tickets, &modelTicket{
			mark: mark{at: w.now()}, user: user, generation: w.people[user].generation, proof: proof, action: a, reason: by, value: value,
		})
	}
}

func (w *walker) decided(user int, d totpflow.Decision) {
	if d.Step == totpflow.Passed {
		require.Equal(w.t, walkers[user].ID, d.ID)
	} else {
		require.Empty(w.t, d.ID)
		require.Empty(w.t, d.Proof)
	}
	ask := map[totpflow.Step]totpflow.Action{totpflow.AskCode: totpflow.ActionSignIn, totpflow.SetUp: totpflow.ActionSetUp}
	w.handed(user, false, string(d.Challenge), ask[d.Step], "")
	allows := map[totpflow.Reason]totpflow.Action{
		totpflow.ByCode: totpflow.ActionSignIn, totpflow.ByRecoveryCode: totpflow.ActionReplace,
		totpflow.NotEnrolled: totpflow.ActionSetUp, totpflow.InGrace: totpflow.ActionSetUp,
	}
	w.handed(user, true, string(d.Proof), allows[d.Reason], d.Reason)
}

func (w *walker) signsIn() {
	user, tokens := w.next(2), []trust.Token{"nonsense"}
	if w.next(2) == 1 {
		tokens = append(tokens, pick(w, w.tokens))
	}
	d, err := w.process().SignIn(w.ctx, walkers[user], tokens...)
	got := word(d.Step, err)
	if d.Reason == totpflow.ByTrustedBrowser {
		got = "trusted"
	}
	if w.expect("sign in", w.people[user].signIn(w.now(), tokens, got), got) {
		w.decided(user, d)
	}
}

// code is an app's code of the person's: fresh, of a step near now, typed
// before, or wrong.
func (w *walker) code(m *model) (code string, of *modelPhone) {
	of = pick(w, m.phones)
	switch n := w.next(10); {
	case of == nil || n == 0:
		code = fmt.Sprintf("%06d", 111111*w.next(10))
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
	t := w.ticket(false)
	if t == nil {
		return
	}
	m, now, c, s := w.people[t.user], w.now(), totpflow.Challenge(t.value), w.process()
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
		e = m.recovery(now, t.value, code)
	case 1:
		what = "pair"
		first, of := w.code(m)
		second, _ := w.code(m)
		if of != nil && w.next(4) > 0 {
			first, second = codeOf(of.key, of.key.Step(now)-1), codeOf(of.key, of.key.Step(now))
		}
		d, err = s.VerifyPair(w.ctx, c, first, second)
		e = m.pair(now, t.value, first, second)
	default:
		code, _ := w.code(m)
		d, err = s.VerifyCode(w.ctx, c, code)
		e = m.code(now, t.value, code)
	}
	got := word(d.Step, err)
	if w.expect(what, m.second(t, now, got, e), got) {
		w.decided(t.user, d)
	}
}

// requiredFor makes the policy optional for everybody but one user, who has a
// grace.
type requiredFor string

func (u requiredFor) Policy(_ context.Context, id store.ID) (policy.Policy, error) {
	if id.User == string(u) {
		return policy.Policy{Mode: policy.Required, Grace: graceLife}, nil
	}
	return policy.Policy{Mode: policy.Optional}, nil
}

func randomScript(seed uint64, n int) []byte {
	r, script := rand.New(rand.NewPCG(seed, 0)), make([]byte, n)
	for i := range script {
		script[i] = byte(r.Uint32())
	}
	return script
}
