package enroll_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// The model is a second, simpler Enrollment: it knows no transition table (its
// state follows from what it holds) and compares codes as texts. A script of
// bytes drives both, and after each byte they have to agree.
type model struct {
	live      []modelAuthenticator
	candidate *modelCandidate
	gone      []modelGone // newest last
	reset     bool
}

type modelAuthenticator struct {
	id   string
	key  int // index into pool
	last totp.Step
}

type modelCandidate struct {
	id    string
	key   int
	began time.Time
	adds  bool
}

type modelGone struct {
	key   int
	last  totp.Step
	until time.Time
}

// pool is what is enrolled again and again. The last two share a secret.
var pool = []totp.Key{keyA, twin, keyB, keyC, keyD, key8, keyE, mustKey(keyE.Secret(), totp.Params{Digits: 8})}

var window = totp.Standard()

func (m *model) state() enroll.State {
	switch {
	case m.reset:
		return enroll.ResetPending
	case len(m.live) > 0 && m.candidate != nil:
		return enroll.Replacing
	case len(m.live) > 0:
		return enroll.Active
	case m.candidate != nil:
		return enroll.Pending
	}
	return enroll.Disabled
}

// tidy forgets what time has ended.
func (m *model) tidy(at time.Time) {
	if c := m.candidate; c != nil && (at.Sub(c.began) >= 15*time.Minute || at.Sub(c.began) < -30*time.Second) {
		m.candidate = nil
	}
	m.gone = slices.DeleteFunc(m.gone, func(g modelGone) bool { return !at.Before(g.until) })
}

func (m *model) clear(at time.Time) {
	for _, a := range m.live {
		m.part(at, a)
	}
	m.live, m.candidate, m.reset = nil, nil, false
}

func (m *model) part(at time.Time, a modelAuthenticator) {
	m.gone = slices.DeleteFunc(m.gone, func(g modelGone) bool { return pool[g.key].Secret() == pool[a.key].Secret() })
	keep := 5 * time.Minute
	if pool[a.key].Params().Period == time.Minute {
		keep = 9 * time.Minute
	}
	m.gone = append(m.gone, modelGone{a.key, a.last, at.Add(keep)})
}

// accepts returns the newest step of the window after last with this code.
func accepts(t testing.TB, key int, typed string, at time.Time, last totp.Step) (step totp.Step, used bool) {
	k := pool[key]
	for off := -1; off <= 1; off++ {
		when := at.Add(time.Duration(off) * k.Params().Period)
		if code(t, k, when) != typed {
			continue
		}
		if s := k.Step(when); s > last {
			step = s
		} else {
			used = true
		}
	}
	return step, used
}

func (m *model) clockBehind(at time.Time) bool {
	return slices.ContainsFunc(m.live, func(a modelAuthenticator) bool { return a.last > pool[a.key].Step(at)+1 })
}

func walk(t testing.TB, script []byte) map[string]int {
	w := walker{t: t, at: noon, seen: map[string]int{}}
	for _, b := range script {
		w.step(b)
		w.seen[string(w.state())]++
	}
	return w.seen
}

// A long walk with fixed seeds, and a look at where it has been.
func TestEnrollmentAgreesWithTheModel(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 6238))
		script := make([]byte, 250)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		for what, times := range walk(t, script) {
			seen[what] += times
		}
	}
	for _, what := range []string{
		"disabled", "pending", "active", "replacing", "reset-pending",
		"begin", "begin refused", "confirm", "confirm refused", "confirm again refused", "confirm by a clock behind refused",
		"verify", "verify refused", "verify again refused", "verify without any refused", "verify by a clock behind refused",
		"claim refused", "cancel", "remove", "remove refused", "rename", "rename refused", "expire",
		"disable", "disable refused", "reset",
	} {
		require.Greater(t, seen[what], 5, what)
	}
}

func FuzzEnrollment(f *testing.F) {
	f.Add([]byte{0x02, 0x13, 0x46, 0x46})                                           // begin, confirm, verify, verify again
	f.Add([]byte{0x02, 0x13, 0x10, 0x13, 0xfd, 0x46, 0x56})                         // twins
	f.Add([]byte{0x02, 0x13, 0x1b, 0x02, 0x13, 0x23})                               // disable, the same secret again
	f.Add([]byte{0x02, 0x13, 0x22, 0xfe, 0x13, 0x46, 0x0c, 0x0b, 0x32, 0x13})       // an abandoned replacement, a reset
	f.Add([]byte{0x62, 0x13, 0x1b, 0x72, 0x62, 0x13, 0x10, 0x13, 0x20, 0x13, 0x0a}) // the same secret, other digits
	f.Add([]byte{0x02, 0x33, 0x0f, 0x46, 0x22, 0x13, 0xfe, 0x46})                   // the clock goes back
	f.Fuzz(func(t *testing.T, script []byte) {
		walk(t, script[:min(len(script), 400)])
	})
}
