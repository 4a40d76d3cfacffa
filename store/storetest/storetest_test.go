package storetest_test

import (
	"context"
	"crypto/fips140"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

func TestHonestStorePasses(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return new(broken).fill() })
	failures := storetest.Check(t.Context(), func() (store.Store, error) { return new(broken).fill(), nil })
	require.Empty(t, failures)
}

// A suite proves something only if it fails where it should: each fault that real
// adapters have had is caught by the case that names it, and each case is justified by a
// fault that it catches.
func TestBrokenStoresAreCaught(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("the entropy source of FIPS 140-3 measures time, which stands still here; nothing of this is cryptography")
	}
	require.GreaterOrEqual(t, len(faults), 30)
	caught := make(map[string]bool)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			var failures []*storetest.Failure
			synctest.Test(t, func(t *testing.T) {
				failures = storetest.Check(t.Context(), func() (store.Store, error) { return f.make().fill(), nil })
			})
			var cases []string
			for _, failure := range failures {
				cases = append(cases, failure.Case)
				caught[failure.Case] = true
				require.NotEmpty(t, failure.Contract)
				require.ErrorContains(t, failure, failure.Case)
				require.ErrorIs(t, failure, failure.Err)
			}
			require.Contains(t, cases, f.caught)
		})
	}

	down := errors.New("down")
	all := storetest.Check(t.Context(), func() (store.Store, error) { return nil, down })
	require.NotEmpty(t, all)
	for _, failure := range all {
		require.ErrorIs(t, failure, down, "a store that does not open fails every case")
		if !caught[failure.Case] {
			t.Errorf("no broken store fails %q", failure.Case)
		}
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failures := storetest.Check(ctx, func() (store.Store, error) { return store.NewMemory(), nil })
	require.NotEmpty(t, failures)
}
