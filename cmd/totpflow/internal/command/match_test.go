package command_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// With the ring of another installation no record is made and no epoch raised: the
// product could not open what that ring seals, and the ring could open nothing here.
func TestRingOfAnotherInstallation(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", reason, "--yes")
	records := func() []store.Record {
		t.Helper()
		page, err := h.store.List(h.ctx, store.Query{AllTenants: true})
		require.NoError(t, err)
		return page.Records
	}
	before := records()
	ours, err := os.ReadFile(h.keys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(h.keys, []byte(keyring.Generate()), 0o600))

	commands := [][]string{
		{"import", "-"},
		{"restored", "--at", "2025-01-01T00:00:00Z"},
		{"grace", "new", "--tenant", "acme", "--for", "7d"},
		{"exempt", "new", "--tenant", "acme", "--name", "fs01"},
		{"policy", "set", "--tenant", "globex", "--mode", "required"},
	}
	for _, args := range commands {
		for _, yes := range []string{"--yes", "--yes=false"} {
			h.in = "user,secret\nnew," + secretA + "\n"
			r := h.fails(5, "none of the 2 records of sqlite://", append(args, reason, yes)...)
			require.Empty(t, r.out)
			require.Empty(t, r.events())
		}
	}
	require.Equal(t, before, records())
	require.EqualValues(t, 1, h.ring().Epoch())
	require.NoFileExists(t, h.keys+".restored")

	require.NoError(t, os.WriteFile(h.keys, ours, 0o600))
	for _, args := range commands {
		h.in = "user,secret\nnew," + secretA + "\n"
		h.ok(append(args, reason, "--yes")...)
	}

	// A ring that opens one of the records does not belong to another installation.
	h.ok("keys", "rotate", reason, "--yes")
	require.NoError(t, os.WriteFile(h.keys, ours, 0o600))
	h.fails(5, "none of the 5 records", "grace", "late", "--tenant", "acme", "--for", "7d", reason, "--yes")
	now, err := h.store.Get(h.ctx, before[0].ID)
	require.NoError(t, err)
	require.NoError(t, h.store.Put(h.ctx, before[0], now.Version))
	h.ok("grace", "late", "--tenant", "initech", "--for", "7d", reason, "--yes")
}
