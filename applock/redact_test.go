package applock_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
)

// A program's own type: fmt calls no method on what is in unexported fields.
type program struct {
	name string
	any  any
	list []any
}

func TestNothingPrintedShowsTheValue(t *testing.T) {
	v := unlocked(t)
	text := value.Text()
	secret := text[len(text)-43:]
	_, malformed := applock.ParseValue(text + "A")
	for name, value := range map[string]any{"Value": value, "Vault": v, "errors": errors.Join(malformed, v.Open(noon, another))} {
		for _, x := range []any{value, program{"agent", value, []any{value}}, &program{"agent", value, []any{value}}, struct{ Public any }{value}} {
			var b bytes.Buffer
			for _, verb := range "vsqxXdobtpTw" {
				for _, flag := range []string{"", "+", "#", " "} {
					fmt.Fprintf(&b, "%"+flag+string(verb), x)
				}
			}
			data, err := json.Marshal(x)
			fmt.Fprintln(&b, string(data), err)
			fmt.Fprintln(&b, gob.NewEncoder(&b).Encode(x))
			slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", x)
			slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", x)
			for _, part := range []string{secret[:8], secret[20:28], string(session[:7]), fmt.Sprintf("%x", secret[:8])} {
				require.NotContains(t, b.String(), part, name)
			}
		}
	}
	require.Equal(t, "applock.Value(redacted)", fmt.Sprint(value))
	require.Equal(t, "applock.Vault(locked) applock.Vault(locked)", fmt.Sprintf("%x %+v", v, v))
	_, err := json.Marshal(value)
	require.Error(t, err)
}
