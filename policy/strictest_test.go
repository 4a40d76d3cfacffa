package policy_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
)

// Values drawn from a few often coincide: equal policies, and policies that are stricter
// in every respect, are not rare among these.
var (
	noon          = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	modes         = []policy.Mode{policy.Required, policy.Required, policy.Optional, policy.Off, 77}
	graces        = []time.Duration{0, -day, 1, day, 14 * day, 90 * day, math.MaxInt64}
	deadlines     = []time.Time{{}, {}, noon.Add(-5 * day), noon, noon.In(time.FixedZone("", 3600)), noon.Add(20 * day)}
	ages          = []time.Duration{0, -1, 1, 7 * day, 30 * day, 400 * day, math.MinInt64}
	methods       = []policy.Methods{0, policy.App, policy.Phone, policy.App | policy.RecoveryCodes | policy.External, policy.RecoveryCodes | policy.Phone, 0xff, 0xf0}
	singleMethods = []policy.Methods{policy.App, policy.RecoveryCodes, policy.Phone, policy.External, 1 << 4}
	firsts        = []time.Time{noon.AddDate(-50, 0, 0), noon.Add(-90 * day), noon.Add(-15 * day), noon.Add(-day), noon, noon.Add(10 * day), noon.AddDate(50, 0, 0)}
)

// drawn returns the policy with a drawn number for each field.
func drawn(n func(int) int) policy.Policy {
	p := policy.Policy{
		Mode: modes[n(len(modes))], Grace: graces[n(len(graces))], Deadline: deadlines[n(len(deadlines))], BrowserAge: ages[n(len(ages))],
		Methods: methods[n(len(methods))],
	}
	for _, name := range demands {
		demand(&p, name).SetBool(n(4) == 0)
	}
	return p
}

// demands are the boolean fields, in which true asks for more: a field that is added
// later must obey the laws too.
var demands = func() (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[policy.Policy]()) {
		if field.Type.Kind() == reflect.Bool {
			names = append(names, field.Name)
		}
	}
	return names
}()

func demand(p *policy.Policy, name string) reflect.Value {
	return reflect.ValueOf(p).Elem().FieldByName(name)
}

// without returns until when somebody without a factor is let in: under a policy that
// requires none, for ever.
func without(p policy.Policy, first time.Time) time.Time {
	if p.Mode == policy.Optional || p.Mode == policy.Off {
		return noon.AddDate(1000, 0, 0)
	}
	return p.GraceUntil(first)
}

func rank(m policy.Mode) int {
	return map[policy.Mode]int{policy.Optional: 1, policy.Off: 2}[m] // an unknown mode counts as required
}

// milder says what b lets pass and a does not, judged by what the two do. It defines
// independently what Lowers reports.
func milder(a, b policy.Policy) string { return milderFrom(never, a, b) }

// milderFrom is milder for people who sign in at that moment or later.
func milderFrom(now time.Time, a, b policy.Policy) string {
	switch {
	case rank(b.Mode) > rank(a.Mode):
		return "mode"
	case b.TrustFor() > a.TrustFor():
		return "trust"
	}
	for _, name := range demands {
		if demand(&a, name).Bool() && !demand(&b, name).Bool() {
			return name
		}
	}
	for _, m := range singleMethods {
		if b.Methods.Has(m) && !a.Methods.Has(m) {
			return m.String()
		}
	}
	for _, first := range firsts {
		if until := without(b, first); until.After(now) && until.After(without(a, first)) {
			return "grace of who came first at " + first.String()
		}
	}
	return ""
}

// requireLaws checks what must be true of any three policies.
func requireLaws(t *testing.T, a, b, c policy.Policy) {
	t.Helper()
	s := policy.Strictest(a, b)
	requireBoth(t, a, b, s)

	require.Equal(t, s, policy.Strictest(b, a), "the order does not matter")
	require.Equal(t, s, policy.Strictest(a, b, s, a), "nor repetition")
	require.Equal(t, policy.Strictest(a), policy.Strictest(a, a))
	require.Equal(t, s, policy.Strictest(s))
	require.Equal(t, policy.Strictest(a, b, c), policy.Strictest(s, c), "nor grouping")
	require.Equal(t, policy.Strictest(a, b, c), policy.Strictest(a, policy.Strictest(b, c)))
	require.True(t, s == policy.Strictest(b, a), "policies are comparable")

	require.Equal(t, milder(a, b) != "", policy.Lowers(a, b, never), "%+v to %+v: %s", a, b, milder(a, b))
	require.False(t, policy.Lowers(a, a, never))
	require.False(t, policy.Lowers(a, s, never), "what is as strict as both lowers neither")
	require.False(t, policy.Lowers(b, s, never))
	require.Equal(t, policy.Strictest(a) == policy.Strictest(b), !policy.Lowers(a, b, never) && !policy.Lowers(b, a, never), "neither lowers the other: they ask for the same")
	if !policy.Lowers(a, c, never) && !policy.Lowers(b, c, never) {
		require.False(t, policy.Lowers(s, c, never), "no stricter than it takes")
	}
	if !policy.Lowers(a, b, never) && !policy.Lowers(b, c, never) {
		require.False(t, policy.Lowers(a, c, never), "no way down in two steps that are none")
	}
}

// requireBoth checks that s lets pass exactly what both a and b let pass.
func requireBoth(t *testing.T, a, b, s policy.Policy) {
	t.Helper()
	require.Equal(t, min(rank(a.Mode), rank(b.Mode)), rank(s.Mode))
	require.Equal(t, min(a.TrustFor(), b.TrustFor()), s.TrustFor())
	for _, name := range demands {
		require.Equal(t, demand(&a, name).Bool() || demand(&b, name).Bool(), demand(&s, name).Bool(), name)
	}
	for _, m := range singleMethods {
		require.Equal(t, a.Methods.Has(m) && b.Methods.Has(m), s.Methods.Has(m))
	}
	for _, first := range firsts {
		earlier := without(a, first)
		if other := without(b, first); other.Before(earlier) {
			earlier = other
		}
		require.True(t, earlier.Equal(without(s, first)), "%+v and %+v: %+v", a, b, s)
	}
}

func TestStrictest(t *testing.T) {
	seed := rand.New(rand.NewPCG(2026, 3))
	lowered, equal, chains := 0, 0, 0
	for range 4000 {
		a, b, c := drawn(seed.IntN), drawn(seed.IntN), drawn(seed.IntN)
		if seed.IntN(3) == 0 {
			b, c = policy.Strictest(a, b), policy.Strictest(a, b, c) // otherwise few are stricter in every respect
		}
		requireLaws(t, a, b, c)
		if policy.Lowers(a, b, never) {
			lowered++
		} else {
			chains++
		}
		if policy.Strictest(a) == policy.Strictest(b) {
			equal++
		}
	}
	require.Greater(t, lowered, 1000, "the laws were put to the test")
	require.Greater(t, chains, 1000)
	require.Greater(t, equal, 50)
}

// Grace and deadline in every mixture.
func TestStrictestGrace(t *testing.T) {
	var all []policy.Policy
	for _, m := range []policy.Mode{policy.Required, policy.Optional} {
		for _, grace := range graces {
			for _, deadline := range deadlines[1:] {
				all = append(all, policy.Policy{Mode: m, Grace: grace, Deadline: deadline})
			}
		}
	}
	for i, a := range all {
		for _, b := range all {
			requireLaws(t, a, b, all[(i*7)%len(all)])
		}
	}
}

func TestStrictestWritesDefaultsOut(t *testing.T) {
	require.Equal(t, policy.Policy{
		BrowserAge: 30 * day, Methods: policy.App | policy.RecoveryCodes | policy.External,
	}, policy.Strictest(policy.Policy{}))
	require.Equal(t, policy.Policy{
		Mode: policy.Optional, BrowserAge: -1, Methods: policy.App | policy.Phone, IssuedCode: true,
	}, policy.Strictest(policy.Policy{
		Mode: policy.Optional, Grace: day, Deadline: noon, BrowserAge: math.MinInt64, Methods: policy.Phone, IssuedCode: true,
	}), "who asks for no factor does not say by when")
	require.Equal(t, policy.Policy{
		Grace: 90 * day, Deadline: noon, BrowserAge: 90 * day, Methods: policy.App,
	}, policy.Strictest(policy.Policy{
		Mode: 9, Grace: math.MaxInt64, Deadline: noon.In(time.FixedZone("", 3600)), BrowserAge: math.MaxInt64, Methods: 0x10,
	}))
}

func TestLowers(t *testing.T) {
	full := policy.Policy{Grace: 14 * day, Deadline: noon, BrowserAge: 7 * day, Methods: policy.App | policy.RecoveryCodes, IssuedCode: true, TwoAdministrators: true}
	for name, c := range map[string]struct {
		change func(p *policy.Policy)
		lowers bool
	}{
		"nothing":                     {func(*policy.Policy) {}, false},
		"optional":                    {func(p *policy.Policy) { p.Mode = policy.Optional }, true},
		"off":                         {func(p *policy.Policy) { p.Mode = policy.Off }, true},
		"an unknown mode":             {func(p *policy.Policy) { p.Mode = 9 }, false},
		"longer grace":                {func(p *policy.Policy) { p.Grace++ }, true},
		"shorter grace":               {func(p *policy.Policy) { p.Grace-- }, false},
		"a deadline alone":            {func(p *policy.Policy) { p.Grace = 0 }, true},
		"a later deadline":            {func(p *policy.Policy) { p.Deadline = noon.Add(1) }, true},
		"an earlier deadline":         {func(p *policy.Policy) { p.Deadline = noon.Add(-1) }, false},
		"no deadline":                 {func(p *policy.Policy) { p.Deadline = time.Time{} }, true},
		"no grace":                    {func(p *policy.Policy) { p.Grace, p.Deadline = 0, time.Time{} }, false},
		"longer trust":                {func(p *policy.Policy) { p.BrowserAge++ }, true},
		"the default trust":           {func(p *policy.Policy) { p.BrowserAge = 0 }, true},
		"no trust":                    {func(p *policy.Policy) { p.BrowserAge = -1 }, false},
		"one more method":             {func(p *policy.Policy) { p.Methods |= policy.Phone }, true},
		"the default methods":         {func(p *policy.Policy) { p.Methods = 0 }, true},
		"one method less":             {func(p *policy.Policy) { p.Methods = policy.App }, false},
		"another method":              {func(p *policy.Policy) { p.Methods = policy.Phone }, true},
		"no issued code":              {func(p *policy.Policy) { p.IssuedCode = false }, true},
		"one administrator":           {func(p *policy.Policy) { p.TwoAdministrators = false }, true},
		"stricter here, milder there": {func(p *policy.Policy) { p.BrowserAge, p.Methods = -1, policy.Phone }, true},
	} {
		to := full
		c.change(&to)
		require.Equal(t, c.lowers, policy.Lowers(full, to, never), name)
	}
	optional := policy.Policy{Mode: policy.Optional}
	require.False(t, policy.Lowers(optional, policy.Policy{Grace: 90 * day}, never), "required in a while is more than never")
}

// never is a moment at which no deadline has passed.
var never time.Time

// A deadline that has passed leaves nobody time, like no time at all. Of two policies that
// differ in such a deadline, neither is milder.
func TestLowersAfterDeadline(t *testing.T) {
	passed := policy.Policy{Grace: 14 * day, Deadline: noon}
	at := noon.Add(31 * time.Second)
	require.False(t, policy.Lowers(policy.Policy{}, passed, at))
	require.False(t, policy.Lowers(policy.Policy{Deadline: noon.Add(-day)}, passed, at))
	require.False(t, policy.Lowers(passed, policy.Policy{}, at))
	for name, c := range map[string]struct {
		from, to policy.Policy
		at       time.Time
	}{
		"not passed":                    {policy.Policy{}, passed, noon.Add(-1)},
		"passed by this clock only":     {policy.Policy{}, passed, noon.Add(30 * time.Second)},
		"a clock that was never set":    {policy.Policy{}, passed, never},
		"later, and not passed":         {passed, policy.Policy{Deadline: at.Add(1)}, at},
		"none, with a time for each":    {passed, policy.Policy{Grace: day}, at},
		"passed, and milder in another": {policy.Policy{}, policy.Policy{Deadline: noon, Methods: policy.App | policy.Phone}, at},
		"passed, and not required":      {policy.Policy{}, policy.Policy{Mode: policy.Optional, Deadline: noon}, at},
	} {
		require.True(t, policy.Lowers(c.from, c.to, c.at), name)
	}

	// From then on, the result is exactly whether somebody is let in for longer.
	later, seed := noon.Add(time.Hour), rand.New(rand.NewPCG(2026, 11))
	spared := 0
	for range 4000 {
		a, b := drawn(seed.IntN), drawn(seed.IntN)
		if seed.IntN(2) == 0 { // differ in the times only
			b.Mode, b.BrowserAge, b.Methods = a.Mode, a.BrowserAge, a.Methods
			for _, name := range demands {
				demand(&b, name).SetBool(demand(&a, name).Bool())
			}
		}
		require.Equal(t, milderFrom(later, a, b) != "", policy.Lowers(a, b, later), "%+v to %+v", a, b)
		if policy.Lowers(a, b, never) && !policy.Lowers(a, b, later) {
			spared++
		}
	}
	require.Greater(t, spared, 100)
}

// Seven bytes for each of three policies.
func FuzzStrictest(f *testing.F) {
	f.Add([]byte("totpflow policies"))
	f.Add([]byte{0, 3, 0, 0, 0, 1, 1, 0, 0, 3, 0, 0, 1, 1, 0, 4, 5, 3, 2, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func(n int) int {
			if len(data) == 0 {
				return 0
			}
			b := int(data[0])
			data = data[1:]
			return b % n
		}
		requireLaws(t, drawn(next), drawn(next), drawn(next))
	})
}
