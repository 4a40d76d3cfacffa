package web

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Nothing in a name adds a line or a terminal escape to the sheet that is saved as a file.
func TestSheetHasNoEscapes(t *testing.T) {
	h := newWeb(t)
	bad := "x\n\x1b[31m\u202ey"
	p := &SheetPage{Common: Common{Account: bad}, Site: bad, Codes: []string{"ABCD"}}
	text := p.text(h.languages.all[0], bad)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\u202e")
	require.NotContains(t, text, "x\n")
	require.Contains(t, text, "[31m")
}

// A sheet without recovery codes does not call itself one of recovery codes.
func TestSheetOfAKey(t *testing.T) {
	h := newWeb(t)
	p := &SheetPage{Secret: "ABCD EFGH"}
	text := p.text(h.languages.all[0], "Acme")
	require.Contains(t, text, "Set-up key for Acme\n")
	require.NotContains(t, text, "ecovery codes")
	p.Codes = []string{"ABCD"}
	require.Contains(t, p.text(h.languages.all[0], "Acme"), "Recovery codes for Acme\n")
}
