//go:build unix

package command_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Opening a named pipe waits for its other side, for ever if there is none.
func TestNamedPipes(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	fifo := filepath.Join(h.dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	h.bare("list", "--keys-file", fifo).failed(t, 1, "not a regular file")
	h.bare("keys", "rotate", "--keys-file", fifo, reason).failed(t, 1, "not a regular file")
	h.fails(1, "not a regular file", "list", "--db-file", fifo)
	// Secrets can come through a pipe, and a signal ends the wait for them.
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	h.ctx = ctx
	h.fails(130, "nothing was changed", "import", fifo, reason, "--yes")
}
