package policy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
)

func roles(t testing.TB, modes map[string]policy.Mode) policy.Roles {
	t.Helper()
	r, err := policy.NewRoles(modes)
	require.NoError(t, err)
	return r
}

// required returns the same roles, all of them required.
func required(t testing.TB, modes map[string]policy.Mode) policy.Roles {
	t.Helper()
	modes = maps.Clone(modes)
	for name := range modes {
		modes[name] = policy.Required
	}
	return roles(t, modes)
}

var roleNames = []string{"", "administrator", "guest", "partner", "nobody"}

// drawnRoles returns a policy with modes for some roles.
func drawnRoles(t testing.TB, n func(int) int) policy.Policy {
	t.Helper()
	modes := map[string]policy.Mode{}
	for _, name := range roleNames[1:4] {
		if n(2) == 0 {
			modes[name] = policy.Mode(n(3))
		}
	}
	return policy.Policy{Mode: policy.Mode(n(3)), Roles: roles(t, modes)}
}

// Each role has the strictest of the modes that the policies have for it, and nobody is
// asked for more or less; the order, repetition and grouping do not matter.
func TestStrictestByRole(t *testing.T) {
	seed := rand.New(rand.NewPCG(2026, 11))
	lowered := 0
	for range 4000 {
		a, b, c := drawnRoles(t, seed.IntN), drawnRoles(t, seed.IntN), drawnRoles(t, seed.IntN)
		s := policy.Strictest(a, b)
		lower := false
		for _, name := range roleNames {
			require.Equal(t, min(a.For(name).Mode, b.For(name).Mode), s.For(name).Mode, "%q of %v and %v", name, a, b)
			lower = lower || b.For(name).Mode > a.For(name).Mode
		}
		require.Equal(t, lower, policy.Lowers(a, b, never), "%v to %v", a, b)
		if lower {
			lowered++
		}
		require.True(t, s == policy.Strictest(b, a))
		require.True(t, s == policy.Strictest(a, b, s, a))
		require.True(t, policy.Strictest(a, b, c) == policy.Strictest(a, policy.Strictest(b, c)))
		require.True(t, policy.Strictest(s, c) == policy.Strictest(a, b, c))
	}
	require.Greater(t, lowered, 1000)
	require.Less(t, lowered, 3900)
}

// A person whose role is unknown has the strictest mode of all.
func TestForAnyRole(t *testing.T) {
	p := policy.Policy{Mode: policy.Optional, Roles: roles(t, map[string]policy.Mode{"administrator": policy.Required, "guest": policy.Off})}
	require.Equal(t, policy.Policy{}, p.ForAnyRole())
	require.Equal(t, policy.Policy{Mode: policy.Off}, p.For("guest"))
	require.Equal(t, policy.Policy{Mode: policy.Optional}, p.For("Guest"), "names are exact")
	require.Equal(t, policy.Policy{Mode: policy.Optional}, p.For(""))
}

// A policy keeps its grace if one role requires the factor. People whose role does not
// require it have no grace.
func TestGraceByRole(t *testing.T) {
	p := policy.Strictest(policy.Policy{Mode: policy.Optional, Grace: 14 * day, Roles: roles(t, map[string]policy.Mode{"administrator": policy.Required})})
	require.Equal(t, noon.Add(14*day), p.For("administrator").GraceUntil(noon))
	require.Zero(t, p.For("guest").GraceUntil(noon))
	require.Zero(t, p.GraceUntil(noon))
	require.True(t, policy.Lowers(policy.Policy{Mode: policy.Optional, Roles: p.Roles}, p, never), "none before")
}

// Names that could be confused with others are refused, and so are too many.
func TestNewRoles(t *testing.T) {
	many := map[string]policy.Mode{}
	for i := range policy.MaxRoles + 1 {
		many[fmt.Sprint("r", i)] = policy.Off
	}
	for name, modes := range map[string]map[string]policy.Mode{
		"empty": {"": policy.Off}, "long": {strings.Repeat("x", policy.MaxRole+1): policy.Off}, "comma": {"a,b": policy.Off}, "equals": {"a=off": policy.Off},
		"line": {"a\nb": policy.Off}, "not text": {"\xff": policy.Off}, "too many": many,
	} {
		r, err := policy.NewRoles(modes)
		require.ErrorIs(t, err, policy.ErrRole, name)
		require.Zero(t, r)
	}
	delete(many, "r0")
	require.Len(t, roles(t, many).Modes(), policy.MaxRoles)
	more := policy.Strictest(policy.Policy{Mode: policy.Off, Roles: roles(t, map[string]policy.Mode{"more": policy.Optional})}, policy.Policy{Mode: policy.Off, Roles: required(t, many)})
	require.ErrorIs(t, more.Validate(), policy.ErrFormat)
	longest := strings.Repeat("x", policy.MaxRole)
	require.Equal(t, map[string]policy.Mode{longest: policy.Off}, roles(t, map[string]policy.Mode{longest: policy.Off}).Modes())
	r := roles(t, map[string]policy.Mode{"Power user": policy.Optional, "Älteste": 77})
	require.Equal(t, "Power user=optional,Älteste=required", r.String())
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back policy.Roles
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, r, back)
	for _, text := range []string{`[]`, `{"":"off"}`, `{"a":7}`, `{"a":"never"}`} {
		require.Error(t, json.Unmarshal([]byte(text), &back))
		require.Zero(t, back)
	}
}

// Roles that are read are written as they were read, and every name in them is a role.
func FuzzRoles(f *testing.F) {
	f.Add([]byte(`{"guest":"off","partner":"optional"}`))
	f.Add([]byte(`{"a,b":"off"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r policy.Roles
		if err := json.Unmarshal(data, &r); err != nil {
			require.Zero(t, r)
			return
		}
		var back policy.Roles
		require.NoError(t, back.UnmarshalJSON([]byte(encode(t, r))))
		require.Equal(t, r, back)
		require.LessOrEqual(t, len(r.Modes()), policy.MaxRoles)
	})
}
