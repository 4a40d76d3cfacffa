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

// The model is a second, simpler Enrollment: it has no transition table (its state
// follows from its contents) and compares codes as texts. A script of bytes drives both,
// and after each byte they must agree.
type model struct {
	live      []modelAuthenticator
	candidate *modelCandidate
	kept      []modelKept // oldest first
	gone      []modelGone // newest last
	reset     bool
	resetAt   time.Time
	lapsed    bool
	exempt    bool
}

type modelAuthenticator struct {
	id    string
	key   int // index into pool
	last  totp.Step
	added time.Time
	used  bool      // has shown a code here
	until time.Time // for a weak key
}

func (a modelAuthenticator) over(at time.Time) bool { return !a.until.IsZero() && at.Sub(a.until) >= 0 }

type modelKept struct {
	modelAuthenticator
	until time.Time
}

type modelCandidate struct {
	id    string
	key   int
	began time.Time
	adds  bool
}

func (c *modelCandidate) over(at time.Time) bool {
	return at.Sub(c.began) >= 15*time.Minute || at.Sub(c.began) < -30*time.Second
}

type modelGone struct {
	key   int
	last  totp.Step
	until time.Time
}

// pool has the keys that are enrolled again and again. The last two of keyE's share a
// secret, and the very last one is weak.
var pool = []totp.Key{keyA, twin, keyF, keyC, keyD, key8, keyE, mustKey(keyE.Secret(), totp.Params{Digits: 8}), weakKey}

var window = totp.Standard()

func (m *model) state() enroll.State {
	switch {
	case m.exempt:
		return enroll.Exempted
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

// tidy forgets everything whose time is over.
func (m *model) tidy(at time.Time) {
	m.expire(at)
	m.gone = slices.DeleteFunc(m.gone, func(g modelGone) bool { return !at.Before(g.until) })
}

// expire does what tidy does, except for removed secrets.
func (m *model) expire(at time.Time) {
	const late = 30 * time.Second // an end later than this was granted under a clock that has been set back since
	if m.reset && !m.lapsed && m.resetAt.Sub(at) > late {
		m.resetAt, m.lapsed = at, true
	}
	for i, k := range m.kept {
		if k.until.Sub(at) > 72*time.Hour+late {
			m.kept[i].until = at.Add(72 * time.Hour)
		}
	}
	for i, a := range m.live {
		if a.until.Sub(at) > enroll.MaxWeak+late {
			m.live[i].until = at.Add(enroll.MaxWeak)
		}
	}
	if c := m.candidate; c != nil && c.over(at) {
		m.candidate = nil
	}
	m.kept = slices.DeleteFunc(m.kept, func(k modelKept) bool { return at.Sub(k.until) >= 0 || k.over(at) })
	had := len(m.live)
	for _, a := range m.live {
		if a.over(at) {
			m.part(at, a)
		}
	}
	m.live = slices.DeleteFunc(m.live, func(a modelAuthenticator) bool { return a.over(at) })
	if had > 0 && len(m.live) == 0 {
		m.candidate, m.kept, m.reset, m.lapsed = nil, nil, true, true
	}
}

func (m *model) clear(at time.Time) {
	for _, a := range m.live {
		m.part(at, a)
	}
	m.live, m.candidate, m.reset, m.lapsed, m.exempt = nil, nil, false, false, false
}

// keep adds an authenticator to the kept ones, before the first that was added later, if
// one of the five places is free.
func (m *model) keep(at time.Time, a modelAuthenticator) {
	i := slices.IndexFunc(m.kept, func(k modelKept) bool { return k.added.After(a.added) })
	if i < 0 {
		i = len(m.kept)
	}
	m.kept = slices.Insert(m.kept, i, modelKept{a, at.Add(3 * 24 * time.Hour)})
	m.kept = m.kept[:min(len(m.kept), 5)]
}

// The result is the last used step of a secret that is not live.
func (m *model) burnt(key int) (last totp.Step) {
	like := func(other int) bool {
		return pool[other].Secret() == pool[key].Secret() && pool[other].Params().Period == pool[key].Params().Period
	}
	for _, g := range m.gone {
		if like(g.key) {
			last = max(last, g.last)
		}
	}
	for _, k := range m.kept {
		if like(k.key) {
			last = max(last, k.last)
		}
	}
	return last
}

// same reports whether a secret is live, or was until recently with other parameters.
func (m *model) same(key int) bool {
	return slices.ContainsFunc(m.live, func(a modelAuthenticator) bool { return pool[a.key].Secret() == pool[key].Secret() }) ||
		slices.ContainsFunc(m.gone, func(g modelGone) bool { return g.key != key && pool[g.key].Secret() == pool[key].Secret() })
}

func (m *model) part(at time.Time, a modelAuthenticator) {
	m.gone = slices.DeleteFunc(m.gone, func(g modelGone) bool { return pool[g.key].Secret() == pool[a.key].Secret() })
	keep := 5 * time.Minute
	if pool[a.key].Params().Period == time.Minute {
		keep = 9 * time.Minute
	}
	if a.last > pool[a.key].Step(at)+4 {
		at = pool[a.key].Start(a.last)
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
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 6238))
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		for what, times := range walk(t, script) {
			seen[what] += times
		}
	}
	for _, what := range []string{
		"disabled", "pending", "active", "replacing", "reset-pending", "exempt",
		"begin", "begin refused", "confirm", "confirm refused", "confirm again refused", "confirm by a clock behind refused",
		"verify", "verify refused", "verify again refused", "verify without any refused", "verify by a clock behind refused",
		"claim refused", "cancel", "remove", "remove refused", "rename", "rename refused", "expire",
		"disable", "disable refused", "reset", "exempt refused",
		"import", "import refused", "restore", "restore refused", "restore over somebody's", "verify with one that is kept refused",
		"burn", "kept no more", "begin while exempt refused", "verify while exempt refused", "import beside", "import a weak one", "lapsed",
	} {
		require.Greater(t, seen[what], 2, what)
	}
}

func FuzzEnrollment(f *testing.F) {
	f.Add([]byte{0x02, 0x13, 0x46, 0x46})                                           // begin, confirm, verify, verify again
	f.Add([]byte{0x02, 0x13, 0x10, 0x13, 0xfd, 0x46, 0x56})                         // twins
	f.Add([]byte{0x02, 0x13, 0x1b, 0x02, 0x13, 0x23})                               // disable, the same secret again
	f.Add([]byte{0x02, 0x13, 0x22, 0xfe, 0x13, 0x46, 0x0c, 0x0b, 0x32, 0x13})       // an abandoned replacement, a reset
	f.Add([]byte{0x62, 0x13, 0x1b, 0x72, 0x62, 0x13, 0x10, 0x13, 0x20, 0x13, 0x0a}) // the same secret, other digits
	f.Add([]byte{0x02, 0x33, 0x0f, 0x46, 0x22, 0x13, 0xfe, 0x46})                   // the clock goes back
	f.Add([]byte{0x02, 0x13, 0x46, 0x22, 0x13, 0x06, 0x5b, 0x46, 0x56})             // replaced, not its owner, restored
	f.Add([]byte{0x62, 0x13, 0x1b, 0x5e, 0x72, 0x13, 0x5b, 0x46, 0x56})             // restored over the same secret with other digits
	f.Add([]byte{0xbc, 0x9c, 0x46, 0xfe, 0xfe, 0x22, 0x13, 0x46})                   // imported twice, one of them weak
	f.Add([]byte{0x4b, 0x46, 0x22, 0x13, 0x5b, 0xab, 0x46, 0xfe, 0x2b, 0x02, 0x0b}) // imported, replaced, restored, marked as used, exempt
	f.Fuzz(func(t *testing.T, script []byte) {
		walk(t, script[:min(len(script), 400)])
	})
}
