package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A slip is reported in one line, with a guess at the intended word.
func TestMisspelt(t *testing.T) {
	h := newInstallation(t)
	for args, words := range map[string]string{
		"statu":   `unknown command "statu" for "totpflow"; did you mean status?`,
		"restore": `unknown command "restore" for "totpflow"; did you mean restore-authenticator or restored?`,
		"nosuch":  `unknown command "nosuch" for "totpflow"`,
		"a\n\tb":  `unknown command "a\n\tb" for "totpflow"`,
	} {
		r := h.bare(args)
		require.Equal(t, 2, r.code)
		require.Equal(t, "totpflow: "+words+"\n", r.err)
		require.Empty(t, r.out)
	}
}
