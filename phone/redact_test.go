package phone_test

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/phone"
)

// A host's own type with values of this package in unexported fields: there, fmt calls no
// method that could redact.
type session struct {
	user  string
	value any
	list  []any
	byID  map[string]any
}

// I53, I57: whatever is printed, logged or encoded contains neither a code nor a number,
// except its last two digits.
func TestNothingPrintedShowsCodeOrNumber(t *testing.T) {
	s, pending, err := with(t, noon, mobile).Add(noon, other)
	require.NoError(t, err)
	s, m, err := s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "c", free...)
	require.NoError(t, err)
	m.Language, m.Domain, m.Sentence = "en", "example.com", "Your code is {code}"
	code := m.Code.Digits()
	sent, _ := s.Sent(noon, "c")
	_, rejected := phone.Decode(s.Encode()[:len(s.Encode())-1])
	_, _, known := s.Add(noon, mobile)
	_, _, wrongCode := s.Verify(noon, keys, "c", wrong(code))
	_, number := phone.ParseNumber("07700 900123")
	hidden := []string{code, "900123", "7700900", "900456", m.Text(), m.Speech()}
	for _, secret := range []string{code, "900123", "900456"} {
		hidden = append(hidden, hex.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprint([]byte(secret)), "[]"))
	}
	require.Contains(t, wiretest.View(t, &s), hidden[1], "the search would find it")
	require.Contains(t, m.Text(), hidden[0], "the search would find it")

	for name, value := range map[string]any{
		"Number": mobile, "*Number": &s.Phones()[0].Number, "Code": m.Code, "Message": m, "*Message": &m, "State": s, "*State": &s,
		"Phone": s.Phones()[0], "Phones": s.Phones(), "Pending": pending, "Sent": sent,
		"errors": errors.Join(rejected, known, wrongCode, number, phone.Destinations{Only: []string{"+43"}}.Allow(mobile)),
	} {
		t.Run(name, func(t *testing.T) {
			nested := session{"alice", value, []any{value}, map[string]any{"2fa": value}}
			printed := 0
			for _, v := range []any{value, nested, &nested, []any{nested}, struct{ Public any }{value}} {
				for what, out := range outputs(v) {
					printed++
					for _, secret := range hidden {
						require.NotContains(t, out, secret, what)
					}
				}
			}
			require.Greater(t, printed, 100)
		})
	}
	require.Equal(t, "phone.State(1 verified, one pending, a code sent)", fmt.Sprint(s))
	require.Equal(t, "phone.Message(sms to +44 ••• ••23)", fmt.Sprint(m))
	require.Equal(t, "+44 ••• ••23", fmt.Sprint(s.Phones()[0]))
	require.Equal(t, "phone.Code(redacted)", fmt.Sprintf("%q", m.Code))
	require.Equal(t, "+44 ••• ••56", fmt.Sprint(pending))
}

// outputs prints a value in every way that a log or a response may print it.
func outputs(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range "vsqxXdobcUtefgGpTw" {
		for _, flag := range []string{"", "+", "#", " ", "0", "-9"} {
			format := "%" + flag + string(verb)
			out[format] = fmt.Sprintf(format, v)
		}
	}
	data, err := json.Marshal(v)
	out["json"] = fmt.Sprint(string(data), err)
	data, err = xml.Marshal(v)
	out["xml"] = fmt.Sprint(string(data), err)
	var b bytes.Buffer
	out["gob"] = fmt.Sprint(gob.NewEncoder(&b).Encode(v), b.String())
	b.Reset()
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(handler).With("v", v).WithGroup("g").Info("m", "v", v)
	}
	out["slog"] = b.String()
	b.Reset()
	err = template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p><script>let v = {{.}}</script>`)).Execute(&b, v)
	out["html"] = fmt.Sprint(b.String(), err)
	return out
}
