package command_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/command"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
)

// silence is an input in which nothing is ever typed: the signal comes while the command
// waits for it.
type silence struct{ interrupt func() }

func (s silence) Read([]byte) (int, error) {
	s.interrupt()
	select {}
}

// An interruption ends the wait for input, and nothing has changed then.
func TestInterruptedWhileReading(t *testing.T) {
	h := newInstallation(t)
	p := h.enroll("acme", "ana")
	for _, args := range [][]string{
		{"reset", "ana", "--tenant", "acme", reason}, // asks at the terminal
		{"import", "-", reason, "--yes"},
	} {
		ctx, cancel := context.WithCancel(h.ctx)
		var out, err bytes.Buffer
		code := command.Run(ctx, append(args, "--keys-file", h.keys), screen.Streams{
			In: silence{cancel}, Out: &out, Err: &err, InTerminal: true, OutTerminal: true, ErrTerminal: true,
		}, func(name string) string { return h.env[name] })
		require.Equal(t, 130, code, "%v\n%s%s", args, out.String(), err.String())
		require.Contains(t, err.String(), "nothing was changed")
	}
	require.Len(t, h.status(p.User).Authenticators, 1)
}
