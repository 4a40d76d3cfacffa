package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	got, err := policy.Fixed{}.Policy(context.Background(), store.ID{User: "u"})
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

func TestTrustFor(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		0: 30 * day, 1: 1, time.Hour: time.Hour, 14 * day: 14 * day, 90 * day: 90 * day, 90*day + 1: 90 * day, math.MaxInt64: 90 * day,
		-1: 0, -day: 0, math.MinInt64: 0,
	} {
		require.Equal(t, want, policy.Policy{BrowserAge: age}.TrustFor(), "%v", age)
	}
}

func TestStrictestOfEveryMixture(t *testing.T) {
	var all []policy.Policy
	for _, m := range []policy.Mode{policy.Required, policy.Optional, policy.Off, 77} {
		for _, age := range []time.Duration{0, -1, 1, 7 * day, 30 * day, 60 * day, 400 * day, math.MinInt64} {
			all = append(all, policy.Policy{Mode: m, BrowserAge: age})
		}
	}
	known := func(m policy.Mode) policy.Mode {
		if m > policy.Off {
			return policy.Required
		}
		return m
	}
	for _, a := range all {
		require.Equal(t, a.TrustFor(), policy.Strictest(a).TrustFor())
		for _, b := range all {
			s := policy.Strictest(a, b)
			require.Equal(t, min(known(a.Mode), known(b.Mode)), s.Mode, "%v %v", a, b)
			require.Equal(t, min(a.TrustFor(), b.TrustFor()), s.TrustFor(), "%v %v", a, b)
			require.Equal(t, s, policy.Strictest(b, a), "the order does not matter")
			require.Equal(t, s, policy.Strictest(s, a, b, s), "nor repetition")
			for _, c := range all[:9] {
				require.Equal(t, policy.Strictest(a, b, c), policy.Strictest(policy.Strictest(a, b), c), "nor grouping")
			}
		}
	}
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

// Settings of three levels; a level that cannot be read refuses.
type settings struct {
	provider, customer policy.Policy
	customerErr        error
}

func (s settings) Policy(_ context.Context, id store.ID) (policy.Policy, error) {
	if s.customerErr != nil {
		return policy.Policy{}, fmt.Errorf("settings of %s: %w", id.Tenant, s.customerErr)
	}
	return policy.Strictest(s.provider, s.customer), nil
}

var _ policy.Source = settings{}

// Of the provider's and the customer's settings, the strictest holds in every
// respect.
func Example() {
	source := settings{
		provider: policy.Policy{Mode: policy.Optional, BrowserAge: 14 * 24 * time.Hour},
		customer: policy.Policy{Mode: policy.Required}, // 30 days, the default
	}
	p, err := source.Policy(context.Background(), store.ID{Tenant: "acme", User: "alice"})
	fmt.Println(p.Mode, p.TrustFor(), err)

	source.customerErr = errors.New("database is down")
	_, err = source.Policy(context.Background(), store.ID{Tenant: "acme", User: "alice"})
	fmt.Println(err)
	// Output:
	// required 336h0m0s <nil>
	// settings of acme: database is down
}
