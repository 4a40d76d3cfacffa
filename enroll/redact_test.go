package enroll_test

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

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// spellings returns the forms in which a secret might leak: base32, its bytes as text, in
// hexadecimal, as a list of numbers, each also in part.
func spellings(k totp.Key) []string {
	raw := rawOf(k)
	decimal := strings.Trim(fmt.Sprint(raw[:8]), "[]")
	return []string{
		k.Secret()[:8], strings.ToLower(k.Secret()[:8]), k.Secret()[:4] + " " + k.Secret()[4:8],
		string(raw[:8]),
		hex.EncodeToString(raw[:8]), strings.ToUpper(hex.EncodeToString(raw[:8])),
		hex.EncodeToString([]byte(k.Secret()[:8])), strings.ToUpper(hex.EncodeToString([]byte(k.Secret()[:8]))),
		decimal, strings.ReplaceAll(decimal, " ", ", "), strings.ReplaceAll(decimal, " ", ","),
		"otpauth", hex.EncodeToString([]byte("otpauth")), "secret=",
	}
}

// A host's own type with values of this package in unexported fields: there, fmt calls no
// method that could redact.
type session struct {
	user  string
	value any
	list  []any
	byID  map[string]any
}

func TestNothingPrintedShowsASecret(t *testing.T) {
	e := inState(t, enroll.Replacing)
	c, _ := e.Candidate(noon)
	confirmed, done, err := e.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
	require.NoError(t, err)
	retired, err := confirmed.Disable(noon)
	require.NoError(t, err)
	restored, back, cleared, err := confirmed.Restore(noon, confirmed.Recoverable(noon)[0].ID)
	require.NoError(t, err)
	offer, err := enroll.NewOffer(keyC, totp.Label{Issuer: "Acme", Account: "alice"})
	require.NoError(t, err)
	_, _, refused := e.Begin(noon, keyA, "", false)
	_, _, drifted := e.Confirm(noon, c.ID, code(t, keyC, noon.Add(1<<42)), totp.Standard())
	_, broken := enroll.Decode(e.Encode()[:len(e.Encode())-1])

	values := map[string]any{
		"Enrollment": e, "*Enrollment": &e, "with retired and kept": retired,
		"Kept": confirmed.Recoverable(noon), "restored": restored, "back": back, "cleared": cleared,
		"Authenticator": done.Authenticator, "*Authenticator": &done.Authenticator,
		"Authenticators": e.Authenticators(), "Confirmation": done,
		"Candidate": c, "*Candidate": &c, "Offer": offer, "*Offer": &offer,
		"errors": errors.Join(refused, drifted, broken),
	}
	var secrets []string
	for _, k := range []totp.Key{keyA, keyB, keyC, keyE} {
		secrets = append(secrets, spellings(k)...)
	}
	require.Contains(t, string(e.Encode()), string(rawOf(keyA)[:8]), "the search would find it")

	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			nested := session{"alice", value, []any{value}, map[string]any{"2fa": value}}
			printed := 0
			for _, v := range []any{value, nested, &nested, []any{nested}, struct{ Public any }{value}} {
				for what, out := range outputs(v) {
					printed++
					for _, secret := range secrets {
						require.NotContains(t, out, secret, what)
					}
				}
			}
			require.Greater(t, printed, 100)
		})
	}
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
	out["Sprint"] = fmt.Sprint(v)
	out["Errorf"] = fmt.Errorf("sign-in: %v", v).Error()

	data, err := json.Marshal(v)
	out["json"] = fmt.Sprint(string(data), err)
	data, err = xml.Marshal(v)
	out["xml"] = fmt.Sprint(string(data), err)
	var b bytes.Buffer
	out["gob"] = fmt.Sprint(gob.NewEncoder(&b).Encode(v), b.String())

	b.Reset()
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		l := slog.New(handler)
		l.Info("m", "v", v, slog.Group("g", slog.Any("v", v)))
		l.With("v", v).WithGroup("g").Info("m")
	}
	out["slog"] = b.String()

	b.Reset()
	err = template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p><script>let v = {{.}}</script>`)).Execute(&b, v)
	out["html"] = fmt.Sprint(b.String(), err)

	func() {
		defer func() { out["panic"] = fmt.Sprint(recover()) }()
		panic(fmt.Sprintf("%+v %#v", v, v))
	}()
	return out
}

func TestEnrollmentString(t *testing.T) {
	require.Equal(t, "enroll.Enrollment(disabled, 0 live)", fmt.Sprint(enroll.Enrollment{}))
	require.Equal(t, "enroll.Enrollment(replacing, 2 live)", inState(t, enroll.Replacing).String())
}
