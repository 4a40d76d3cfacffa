package web_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/web"
)

// The data of a page that shows a secret does not show it where it is printed or logged.
func TestPagesAreNotPrintedByAccident(t *testing.T) {
	const secret = "JBSW Y3DP"
	for name, page := range map[string]any{
		"Page":         web.Page{Content: secret},
		"SetupPage":    &web.SetupPage{Secret: secret, Link: secret, QR: secret},
		"SheetPage":    &web.SheetPage{Secret: secret, Codes: []string{secret}, Text: secret, QR: secret},
		"RecoveryPage": &web.RecoveryPage{Code: secret},
		"IssuedPage":   web.IssuedPage{Code: secret},
	} {
		var out bytes.Buffer
		for _, v := range []any{page, []any{page}, struct{ Page any }{page}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				fmt.Fprintf(&out, verb, v)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("page", "data", v)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("page", "data", page)
		require.NotContains(t, out.String(), secret, name)
		require.NotContains(t, out.String(), fmt.Sprintf("%x", secret), name)
		require.Contains(t, out.String(), "web."+name+"(redacted)")
	}
}
