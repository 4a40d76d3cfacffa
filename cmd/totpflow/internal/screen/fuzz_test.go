package screen_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
)

// A name that somebody chose moves no cursor, hides nothing, and starts no new line.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"ana", "\x1b[2J", "a\nb", "\u202eevil", "\xff\xfe", "\t", "日本語", "\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := screen.Clean(s)
		require.Equal(t, c, screen.Clean(c))
		require.True(t, utf8.ValidString(c))
		require.Equal(t, utf8.RuneCountInString(s), utf8.RuneCountInString(c))
		require.False(t, strings.ContainsFunc(c, func(r rune) bool { return !unicode.IsPrint(r) && r != utf8.RuneError }))

		var out bytes.Buffer
		table := screen.NewTable(&out, "NAME", "STATE")
		table.Row(s, "enabled")
		require.NoError(t, table.End())
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		require.NotContains(t, out.String(), "\x1b")
	})
}
