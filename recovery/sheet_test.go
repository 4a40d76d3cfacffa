package recovery_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

func TestSheetIsPlainText(t *testing.T) {
	hostile := "Acme\x1b[2J\r\n  11.  FAKE-FAKE-FAKE-FAKE\u202e\u2028"
	codes, _ := recovery.New(made)
	text := recovery.Sheet{Issuer: hostile, Account: hostile, Secret: "ABCD\nEFGH", Codes: codes, Made: made}.Text()
	honest := recovery.Sheet{Issuer: "Acme", Account: "alice", Secret: "ABCDEFGH", Codes: codes, Made: made}.Text()
	require.Equal(t, strings.Count(honest, "\n"), strings.Count(text, "\n"), "a name adds no line")
	for _, r := range text {
		require.True(t, r == '\n' || unicode.IsPrint(r), "%q", r)
	}
	for i, code := range codes {
		require.Contains(t, honest, fmt.Sprintf("%2d.  %s\n", i+1, code))
	}
	for line := range strings.Lines(honest) {
		require.LessOrEqual(t, len(line), 79, line)
		require.Equal(t, strings.TrimRight(line, " \n"), strings.TrimSuffix(line, "\n"), "no spaces at the end")
	}
}

func TestSheetIsNotPrintedByAccident(t *testing.T) {
	codes, _ := recovery.New(made)
	s := recovery.Sheet{Issuer: "Acme", Account: "alice", Secret: "JBSWY3DPEHPK3PXP", Codes: codes, Made: made}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "sheet", s)
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "sheet", s)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&log, verb, s)
		fmt.Fprintf(&log, verb, &s)
		fmt.Fprintf(&log, verb, []any{s})
	}
	require.NotContains(t, log.String(), s.Secret)
	require.NotContains(t, log.String(), fmt.Sprintf("%x", s.Secret))
	for _, code := range codes {
		require.NotContains(t, log.String(), code)
		require.NotContains(t, log.String(), fmt.Sprintf("%x", code))
	}
}

// A part that a sheet does not have is not printed, not even its heading.
func TestSheetOfLittle(t *testing.T) {
	text := recovery.Sheet{Codes: []string{"0000-0000-0000-0000"}}.Text()
	require.True(t, strings.HasPrefix(text, "Recovery codes\n==============\n"))
	require.NotContains(t, text, "Account:")
	require.NotContains(t, text, "Made on:")
	require.NotContains(t, text, "Set-up key")
	require.Contains(t, recovery.Sheet{Secret: "AB CD EF GHIJ"}.Text(), " ABCD EFGH IJ\n")
}
