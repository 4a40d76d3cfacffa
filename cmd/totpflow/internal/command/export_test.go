package command_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/keyring"
)

// A person gets everything that is kept about them, and after an erasure there is
// nothing.
func TestExport(t *testing.T) {
	h := newInstallation(t)
	p := h.enroll("acme", "ana")
	out := h.ok("export", "ana", "--tenant", "acme").out
	var x admin.Exported
	require.NoError(t, json.Unmarshal([]byte(out), &x))
	require.Equal(t, "ana", x.User)
	require.Len(t, x.Authenticators, 1)
	require.Len(t, x.Changes, 2)
	for _, code := range p.codes {
		require.NotContains(t, out, code)
	}
	h.fails(3, "the account was not found", "export", "ben", "--tenant", "acme")
	h.env["TOTPFLOW_KEYS"] = keyring.Generate()
	h.bare("export", "ana", "--tenant", "acme").failed(t, 5, "does not open")
	h.ok("forget", "ana", "--tenant", "acme", reason, "--yes")
	h.fails(3, "the account was not found", "export", "ana", "--tenant", "acme")
}
