package command_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
)

// The command first reports what it would drop, then drops it, and nobody notices.
func TestTidy(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-2 * phone.MaxPeriod))
	h.enrollPhone("acme", "tom")
	ana := h.enroll("acme", "ana")
	h.clock.Set(time.Now())
	mark := h.status(ana.User).Mark
	h.fails(2, "--reason is missing", "tidy")

	dry := h.ok("tidy", reason).out
	require.Contains(t, dry, "6 deleted")
	require.Contains(t, dry, "Nothing was changed")
	require.Equal(t, dry, h.ok("tidy", reason).out)
	var out struct{ Records, Changed, Deleted, Unreadable int }
	require.NoError(t, json.Unmarshal([]byte(h.ok("tidy", reason, "--yes", "--json").out), &out))
	require.Equal(t, 6, out.Deleted)
	require.Contains(t, h.ok("tidy", reason, "--yes").out, "0 were shortened and 0 deleted")
	require.Equal(t, mark, h.status(ana.User).Mark)
	require.Equal(t, totpflow.AskCode, h.step(ana.User))
	require.Contains(t, h.ok("list", "--count").out, "2 accounts; 2 of 2")
}

// A run that a signal ends reports where it goes on, and records that do not open are
// exit code 5.
func TestTidyInterrupted(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	was := h.ctx
	h.ctx = ctx
	h.fails(130, "", "tidy", reason, "--yes")
	h.ctx = was
	stopped := h.fails(1, `continue with --from "nowhere"`, "tidy", reason, "--json", "--from", "nowhere")
	require.Contains(t, stopped.out, `"cursor": "nowhere"`)
	h.env["TOTPFLOW_KEYS"] = keyring.Generate()
	h.bare("tidy", reason, "--yes").failed(t, 5, "do not open")
}
