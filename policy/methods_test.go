package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
)

func TestMethodsOfEveryValue(t *testing.T) {
	words := []string{"app", "recovery-codes", "phone", "other"}
	bits := []policy.Methods{policy.App, policy.RecoveryCodes, policy.Phone, policy.External}
	require.Equal(t, []policy.Methods{1, 2, 4, 8}, bits, "stored values do not move")
	for v := range 256 {
		m := policy.Methods(v)
		var want []string
		for i, bit := range bits {
			has := bit == policy.App || m&bit != 0
			if m == 0 {
				has = bit != policy.Phone // the default
			}
			require.Equal(t, has, m.Has(bit), "%d %s", v, words[i])
			if has {
				want = append(want, words[i])
			}
		}
		require.Equal(t, want, m.Words(), v)
		require.False(t, m.Has(0), "nothing is no method")
		require.False(t, m.Has(1<<4), "what is not known is not allowed")
		require.False(t, m.Has(policy.App|1<<7))
		require.Equal(t, m.Has(policy.Phone) && m.Has(policy.External), m.Has(policy.Phone|policy.External))

		parsed, err := policy.ParseMethods(m.Words()...)
		require.NoError(t, err)
		require.Equal(t, want, parsed.Words())
		data, err := json.Marshal(m)
		require.NoError(t, err)
		var back policy.Methods
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, want, back.Words())
	}
	require.Equal(t, "app,recovery-codes,other", policy.Methods(0).String())
}

func TestMethodsOfWords(t *testing.T) {
	m, err := policy.ParseMethods()
	require.NoError(t, err)
	require.Equal(t, policy.App, m, "a form without a tick is not the default")
	m, err = policy.ParseMethods("phone", "phone", "app")
	require.NoError(t, err)
	require.Equal(t, policy.App|policy.Phone, m)
	for _, bad := range []string{"", "App", "sms", "app ", "recovery_codes", "app,phone", "1"} {
		m, err := policy.ParseMethods("other", bad, "phone")
		require.ErrorIs(t, err, policy.ErrMethod, bad)
		require.Equal(t, policy.App, m)
	}
}

func TestMethodsDecodingRefuses(t *testing.T) {
	for data, want := range map[string]error{
		`["app","sms"]`: policy.ErrMethod,
		`[""]`:          policy.ErrMethod,
		`[null]`:        policy.ErrMethod,
		`null`:          policy.ErrFormat,
		`"app"`:         policy.ErrFormat,
		`15`:            policy.ErrFormat,
		`[1]`:           policy.ErrFormat,
		`{}`:            policy.ErrFormat,
		`["app"] []`:    policy.ErrFormat,
		``:              policy.ErrFormat,
	} {
		m := policy.Phone
		require.ErrorIs(t, m.UnmarshalJSON([]byte(data)), want, data)
		require.Equal(t, policy.App, m, "%s must not leave what was there", data)
	}
	m := policy.Phone
	require.NoError(t, m.UnmarshalJSON([]byte(`[]`)))
	require.Equal(t, policy.App, m)
}
