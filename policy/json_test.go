package policy_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/policy"
)

func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

// The stored format. A change to this file is a change to every tenant's policy: raise
// the version instead.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/policies.json")
	require.NoError(t, err)
	var golden map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &golden))
	policies := map[string]policy.Policy{
		"zero":     {},
		"optional": {Mode: policy.Optional},
		"off":      {Mode: policy.Off, BrowserAge: -1},
		"app":      {Methods: policy.App},
		"full": {
			Mode: policy.Required, Grace: 14 * day, Deadline: time.Date(2026, time.June, 1, 8, 30, 0, 500_000_000, time.UTC), BrowserAge: 7 * day,
			Methods: policy.App | policy.RecoveryCodes | policy.Phone | policy.External, IssuedCode: true, TwoAdministrators: true, AssignedPhones: true,
			Roles: roles(t, map[string]policy.Mode{"guest": policy.Off, "partner": policy.Optional}),
		},
	}
	require.Len(t, golden, len(policies))
	for _, field := range reflect.VisibleFields(reflect.TypeFor[policy.Policy]())[1:] { // required is the zero Mode
		require.False(t, reflect.ValueOf(policies["full"]).FieldByIndex(field.Index).IsZero(), "%s is not in the golden file", field.Name)
	}
	for name, p := range policies {
		require.Equal(t, string(golden[name]), encode(t, p), name)
		var read policy.Policy
		require.NoError(t, json.Unmarshal(golden[name], &read))
		require.Equal(t, p, read, name)
		require.True(t, p == read, "%s: policies are comparable", name)
	}
}

func TestEverythingWrittenIsRead(t *testing.T) {
	for _, p := range []policy.Policy{
		{Mode: 77}, {Grace: math.MaxInt64}, {Grace: math.MinInt64}, {BrowserAge: math.MinInt64}, {BrowserAge: time.Minute}, {Methods: 0xf0}, {Methods: policy.Phone},
		{Deadline: time.Now()}, {Deadline: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)}, {Deadline: time.Time{}.In(time.FixedZone("", 3600))},
	} {
		var read policy.Policy
		require.NoError(t, json.Unmarshal([]byte(encode(t, p)), &read))
		require.Equal(t, policy.Strictest(p), policy.Strictest(read), "%+v", p)
	}
	for _, name := range demands {
		var p, read policy.Policy
		demand(&p, name).SetBool(true)
		require.NoError(t, json.Unmarshal([]byte(encode(t, p)), &read))
		require.Equal(t, p, read, name)
	}
	_, err := json.Marshal(policy.Policy{Deadline: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.Error(t, err)
}

func TestDecodingRefuses(t *testing.T) {
	good := encode(t, policy.Policy{Mode: policy.Off, Grace: day, Deadline: time.Unix(1e9, 0), BrowserAge: day, Methods: policy.App, IssuedCode: true, TwoAdministrators: true})
	replaced := func(was, is string) string {
		require.Contains(t, good, was)
		return strings.Replace(good, was, is, 1)
	}
	for name, bad := range map[string]string{
		"null":               `null`,
		"an empty object":    `{}`,
		"no version":         replaced(`"v":1,`, ``),
		"another version":    replaced(`"v":1`, `"v":2`),
		"no mode":            replaced(`"mode":"off",`, ``),
		"a null mode":        replaced(`"off"`, `null`),
		"an unknown mode":    replaced(`"off"`, `"none"`),
		"a number as mode":   replaced(`"off"`, `2`),
		"an unknown method":  replaced(`["app"]`, `["app","sms"]`),
		"null methods":       replaced(`["app"]`, `null`),
		"an unknown field":   replaced(`"v":1`, `"v":1,"office_hours_only":true`),
		"a grace in seconds": replaced(`"24h0m0s"`, `86400`),
		"a grace in days":    replaced(`"24h0m0s"`, `"1d"`),
		"a grace of nothing": replaced(`"24h0m0s"`, `"14ns"`),
		"a date as deadline": replaced(`"2001-09-09T01:46:40Z"`, `"2001-09-09"`),
		"a word for true":    replaced(`true`, `"true"`),
		"two policies":       good + good,
		"a list":             `[]`,
		"nothing":            ``,
	} {
		p := policy.Policy{Mode: policy.Off, BrowserAge: day}
		require.ErrorIs(t, p.UnmarshalJSON([]byte(bad)), policy.ErrFormat, name)
		require.Equal(t, policy.Policy{}, p, "%s: nothing milder than the zero policy is left", name)
	}
	var p policy.Policy
	require.ErrorIs(t, json.Unmarshal([]byte(replaced(`"off"`, `"none"`)), &p), policy.ErrMode)
	require.ErrorIs(t, json.Unmarshal([]byte(replaced(`["app"]`, `["sms"]`)), &p), policy.ErrMethod)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":1,"mode":"required"}`))
	f.Add([]byte(`{"v":1,"mode":"required","grace":"336h0m0s","deadline":"2026-06-01T08:30:00.5+02:00","browser_age":"-1ns","methods":["phone"],"issued_code":true,"two_administrators":true}`))
	f.Add([]byte(`{"v":1,"mode":"off","methods":[],"deadline":"0001-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"v":2,"mode":"off"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := policy.Policy{Mode: policy.Off}
		if err := json.Unmarshal(data, &p); err != nil {
			return
		}
		var back policy.Policy
		require.NoError(t, json.Unmarshal([]byte(encode(t, p)), &back))
		require.Equal(t, p, back)
		require.False(t, policy.Lowers(p, back, never))
		require.True(t, p.Methods == 0 || p.Methods.Has(policy.App))
	})
}

// A set of methods that is read contains the app and otherwise only what its words name,
// and is written as it was read.
func FuzzMethods(f *testing.F) {
	f.Add([]byte(`["app","recovery-codes","phone","other"]`))
	f.Add([]byte(`["other","other"]`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`null`))
	f.Add([]byte(`["App"]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := policy.Phone
		if err := json.Unmarshal(data, &m); err != nil {
			require.NotEqual(t, policy.App|policy.Phone, m, "nothing more than before")
			return
		}
		var words []string
		require.NoError(t, json.Unmarshal(data, &words))
		parsed, err := policy.ParseMethods(words...)
		require.NoError(t, err)
		require.Equal(t, m, parsed)
		require.True(t, m.Has(policy.App))
		for _, word := range m.Words() {
			require.True(t, word == "app" || slices.Contains(words, word), word)
		}
		for _, word := range words {
			require.Contains(t, m.Words(), word)
		}
		var back policy.Methods
		require.NoError(t, json.Unmarshal([]byte(encode(t, m)), &back))
		require.Equal(t, m, back)
	})
}

// With an error the value read is the one that requires most, not the previous one: a
// policy that cannot be read may be Required.
func TestErrorsRequire(t *testing.T) {
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.Equal(t, []string{"Methods.UnmarshalJSON", "Mode.UnmarshalText", "Policy.UnmarshalJSON", "Roles.UnmarshalJSON"}, names, "a call that replaces a state is missing here")
	mode, methods, p := policy.Off, policy.App|policy.Phone, policy.Policy{Mode: policy.Off}
	require.Error(t, mode.UnmarshalText([]byte("never")))
	require.Equal(t, policy.Required, mode)
	require.Error(t, methods.UnmarshalJSON([]byte(`["pigeon"]`)))
	require.Equal(t, policy.App, methods)
	require.Error(t, p.UnmarshalJSON([]byte(`{"v":1,"mode":"never"}`)))
	require.Equal(t, policy.Policy{}, p)
	r := roles(t, map[string]policy.Mode{"guest": policy.Off})
	require.Error(t, r.UnmarshalJSON([]byte(`{"guest":"never"}`)))
	require.Equal(t, policy.Roles{}, r)
}
