package main

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuickstart(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(context.Background(), &out, false))
	text := out.String()
	require.Contains(t, text, "█", "a QR code")
	text = regexp.MustCompile(`(?s)type [A-Z2-7 ]{39}:\n\n.*\n\n`).ReplaceAllString(text, "type SECRET\n")
	require.Equal(t, `Password only: passed because not enrolled
Scan this, or type SECRET
Set up, with 10 recovery codes to print or save.
Password, then: ask code
Code: passed as user 42
The same code again: refused, true
Trusted browser: passed <nil>
Recovery code: passed <nil> with 9 left
Trusted browser after that: ask code <nil>
`, text)
}
