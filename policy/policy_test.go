package policy_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

const day = 24 * time.Hour

func TestZeroRequires(t *testing.T) {
	var p policy.Policy
	require.Equal(t, policy.Required, p.Mode)
	require.Equal(t, 30*day, p.TrustFor())
	require.Equal(t, p, policy.Strictest(), "a chain without links asks for more")
	got, err := policy.Fixed{}.Policy(context.Background(), store.AccountID{User: "u"})
	require.NoError(t, err)
	require.Equal(t, p, got)
}

func TestModeWords(t *testing.T) {
	words := map[policy.Mode]string{policy.Required: "required", policy.Optional: "optional", policy.Off: "off"}
	require.Len(t, words, 3)
	for m, word := range words {
		require.Equal(t, word, m.String())
		got, err := policy.ParseMode(word)
		require.NoError(t, err)
		require.Equal(t, m, got)

		data, err := json.Marshal(map[string]policy.Mode{"mode": m})
		require.NoError(t, err)
		require.JSONEq(t, `{"mode":"`+word+`"}`, string(data))
		var back map[string]policy.Mode
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, m, back["mode"])
	}
	for m := 3; m < 256; m++ {
		require.Equal(t, "required", policy.Mode(m).String(), "a value that is no mode counts as required")
	}
	for _, bad := range []string{"", "OFF", "off ", "none", "0", "2", "optional\n", "requiredoff"} {
		m, err := policy.ParseMode(bad)
		require.ErrorIs(t, err, policy.ErrMode, bad)
		require.Equal(t, policy.Required, m)
		m = policy.Off
		require.ErrorIs(t, m.UnmarshalText([]byte(bad)), policy.ErrMode)
		require.Equal(t, policy.Required, m, "%q must not leave the mode that was there", bad)
	}
}

// 14 without a unit is 14 nanoseconds: it is refused where a policy is set, written or
// read, in words that say how it is written. "Not at all" has no length.
func TestForgottenUnit(t *testing.T) {
	for d, ok := range map[time.Duration]bool{
		1: false, 14: false, 30: false, time.Minute - 1: false, time.Minute: true, 14 * day: true, math.MaxInt64: true,
		0: true, -1: true, -day: true, math.MinInt64: true,
	} {
		for p, field := range map[policy.Policy]string{{Grace: d}: "Grace", {BrowserAge: d}: "BrowserAge", {Mode: policy.Optional, Grace: d}: "Grace"} {
			_, written := json.Marshal(p)
			for _, err := range []error{p.Validate(), written} {
				if ok {
					require.NoError(t, err, "%+v", p)
					continue
				}
				require.ErrorIs(t, err, policy.ErrFormat, "%+v", p)
				require.ErrorContains(t, err, "14 * 24 * time.Hour")
				require.ErrorContains(t, err, field+" is "+d.String())
			}
		}
	}
}

func TestTrustFor(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		0: 30 * day, 1: 1, time.Hour: time.Hour, 14 * day: 14 * day, 90 * day: 90 * day, 90*day + 1: 90 * day, math.MaxInt64: 90 * day,
		-1: 0, -day: 0, math.MinInt64: 0,
	} {
		require.Equal(t, want, policy.Policy{BrowserAge: age}.TrustFor(), "%v", age)
	}
}

func TestGraceUntil(t *testing.T) {
	first := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	deadline := first.Add(10 * day)
	for name, c := range map[string]struct {
		policy policy.Policy
		want   time.Time
	}{
		"none":                         {policy.Policy{}, time.Time{}},
		"less than none":               {policy.Policy{Grace: -day}, time.Time{}},
		"the least that there is":      {policy.Policy{Grace: math.MinInt64}, time.Time{}},
		"two weeks":                    {policy.Policy{Grace: 14 * day}, first.Add(14 * day)},
		"as long as can be":            {policy.Policy{Grace: 90 * day}, first.Add(90 * day)},
		"longer than can be":           {policy.Policy{Grace: 90*day + 1}, first.Add(90 * day)},
		"for ever":                     {policy.Policy{Grace: math.MaxInt64}, first.Add(90 * day)},
		"a deadline":                   {policy.Policy{Deadline: deadline}, deadline},
		"a deadline and less than 0":   {policy.Policy{Grace: -day, Deadline: deadline}, deadline},
		"a deadline far away":          {policy.Policy{Deadline: first.AddDate(3, 0, 0)}, first.AddDate(3, 0, 0)},
		"a deadline that is over":      {policy.Policy{Deadline: first.Add(-day)}, first.Add(-day)},
		"grace ends first":             {policy.Policy{Grace: day, Deadline: deadline}, first.Add(day)},
		"the deadline comes first":     {policy.Policy{Grace: 14 * day, Deadline: deadline}, deadline},
		"the deadline is over already": {policy.Policy{Grace: 14 * day, Deadline: first.Add(-1)}, first.Add(-1)},
		"another zone":                 {policy.Policy{Deadline: deadline.In(time.FixedZone("", 3600))}, deadline},
		"no mode counts as required":   {policy.Policy{Mode: 77, Grace: day}, first.Add(day)},
		"optional":                     {policy.Policy{Mode: policy.Optional, Grace: day, Deadline: deadline}, time.Time{}},
		"off":                          {policy.Policy{Mode: policy.Off, Grace: day}, time.Time{}},
	} {
		require.Equal(t, c.want, c.policy.GraceUntil(first), name)
		require.Equal(t, c.want, c.policy.GraceUntil(first.In(time.FixedZone("", -3600))), name)
	}
	require.Less(t, policy.Policy{Grace: 90 * day}.GraceUntil(time.Time{}).Year(), 2, "who has no first sign-in has no grace left")
}

func FuzzMode(f *testing.F) {
	for _, s := range []string{"required", "optional", "off", "", "Off", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := policy.ParseMode(s)
		if err != nil {
			require.ErrorIs(t, err, policy.ErrMode)
			require.Equal(t, policy.Required, m)
			return
		}
		require.Equal(t, s, m.String())
	})
}
