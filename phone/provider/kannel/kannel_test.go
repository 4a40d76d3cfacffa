package kannel_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/posttest"
	"github.com/totpflow/totpflow/phone/provider/kannel"
)

var message = posttest.Message

// tests/interop/sms shows what Kannel 1.4.5 does with these requests. Here the gateway is
// a server that answers as told.

// gateway answers every request the same way, and keeps the last one.
type gateway struct {
	*httptest.Server
	status int
	answer string
	got    *http.Request
	body   string
}

func newGateway(t testing.TB, status int, answer string) *gateway {
	g := &gateway{status: status, answer: answer}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.got, g.body = r, string(body)
		w.WriteHeader(g.status)
		_, _ = io.WriteString(w, g.answer)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) sender(t testing.TB, changes ...func(*kannel.Config)) *kannel.Sender {
	c := kannel.Config{URL: g.URL + "/cgi-bin/sendsms", Username: "app", Password: "apppw"}
	for _, change := range changes {
		change(&c)
	}
	s, err := kannel.New(c)
	require.NoError(t, err)
	return s
}

func TestRequest(t *testing.T) {
	g := newGateway(t, 202, "0: Accepted for delivery")
	m := message(phone.SMS)
	m.Domain = "example.com"
	require.NoError(t, g.sender(t, func(c *kannel.Config) { c.From, c.SMSC = "Acme", "main" }).Send(t.Context(), m))
	require.Equal(t, http.MethodPost, g.got.Method)
	require.Equal(t, "/cgi-bin/sendsms", g.got.URL.String(), "nothing of it in the URL")
	require.Equal(t, m.Text(), g.body)
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "X-Kannel-Username": "app", "X-Kannel-Password": "apppw", "X-Kannel-To": "+447700900123",
		"X-Kannel-From": "Acme", "X-Kannel-Smsc": "main", "X-Kannel-Coding": "0", "X-Kannel-Validity": "5",
	} {
		require.Equal(t, []string{want}, g.got.Header[name], name)
	}
	require.NoError(t, g.sender(t).Send(t.Context(), m))
	require.NotContains(t, g.got.Header, "X-Kannel-From")
	require.NotContains(t, g.got.Header, "X-Kannel-Smsc")
}

// 3GPP TS 23.038 §6.2.1: seven bits where they suffice.
func TestCoding(t *testing.T) {
	g := newGateway(t, 202, "")
	for sentence, want := range map[string]string{
		"{code} is your code": "0", "{code} ist Ihr Code für Ägypten, Größe ß: {}[]~|^\\€": "0", "Ñandú ¿qué? à è é ù ì ò Ç Ø Å": "2", // ú and í are not in it
		"Δ Φ Γ Λ Ω Π Ψ Σ Θ Ξ Æ æ É ¡ § @ £ $ ¥ _ ¤": "0", "{code} — Ihr Code": "2", "Ваш код {code}": "2", "コード {code}": "2", "{code} 🔑": "2", "`{code}`": "2", "ç": "2",
	} {
		m := message(phone.SMS)
		m.Sentence, m.Domain = sentence, "example.com"
		require.NoError(t, g.sender(t).Send(t.Context(), m))
		require.Equal(t, want, g.got.Header.Get("X-Kannel-Coding"), sentence)
		require.Equal(t, m.Text(), g.body)
	}
}

// The user guide's table 7-16, "SMS Push reply codes", and the answers that 1.4.5 was
// seen to give.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		status int
		answer string
		want   error
	}{
		{202, "0: Accepted for delivery", nil},
		{202, "3: Queued for later delivery", nil},
		{200, "Sent.", nil},
		{200, "0: Accepted for delivery", nil},
		{200, "3: Queued for later delivery", nil},
		{200, "", phone.ErrProvider},
		{200, "<html><title>Log in</title>Sent. 0: Accepted for delivery", phone.ErrProvider},
		{200, "Authorization failed for sendsms", phone.ErrProvider},
		{201, "Sent.", phone.ErrProvider},
		{400, "Number(s) has/have been denied by white- and/or black-lists.", phone.ErrUndeliverable},
		{400, "Sender missing and no global set, rejected", phone.ErrProvider},
		{403, "Authorization failed for sendsms", phone.ErrProvider},
		{404, "", phone.ErrProvider},
		{302, "", phone.ErrProvider},
		{429, "", phone.ErrUnavailable},
		{503, "Temporal failure, try again later.", phone.ErrUnavailable},
		{500, "", phone.ErrUnavailable},
	} {
		m := message(phone.SMS)
		g := newGateway(t, tt.status, tt.answer+" +447700900123 "+m.Code.Digits())
		err := g.sender(t).Send(t.Context(), m)
		require.ErrorIs(t, err, tt.want, tt.answer)
		if err != nil {
			for _, secret := range []string{m.Code.Digits(), "7700900123", "apppw"} {
				require.NotContains(t, err.Error(), secret)
			}
		}
	}
}

func TestSendRefuses(t *testing.T) {
	g := newGateway(t, 202, "")
	s := g.sender(t)
	require.ErrorIs(t, s.Send(t.Context(), phone.Message{}), phone.ErrMessage)
	require.ErrorIs(t, s.Send(t.Context(), message(phone.Voice)), phone.ErrVia)
	require.Nil(t, g.got, "nothing was sent")
	g.Close()
	require.ErrorIs(t, s.Send(t.Context(), message(phone.SMS)), phone.ErrUnavailable)
}

func TestNewRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*kannel.Config){
		"no URL":      func(c *kannel.Config) { c.URL = "" },
		"in clear":    func(c *kannel.Config) { c.URL = "http://sms.example/cgi-bin/sendsms" },
		"in the URL":  func(c *kannel.Config) { c.URL += "?username=app&password=apppw" },
		"no user":     func(c *kannel.Config) { c.Username = "" },
		"a line":      func(c *kannel.Config) { c.From = "Acme\r\nX-Kannel-To: 900" },
		"no ASCII":    func(c *kannel.Config) { c.Password = "pässword" },
		"no password": func(c *kannel.Config) { c.Password = "" },
	} {
		c := kannel.Config{URL: "http://127.0.0.1:13013/cgi-bin/sendsms", Username: "app", Password: "apppw"}
		spoil(&c)
		s, err := kannel.New(c)
		require.ErrorIs(t, err, kannel.ErrConfig, name)
		require.Nil(t, s)
		require.NotContains(t, err.Error(), "apppw")
	}
	_, err := kannel.New(kannel.Config{URL: "http://sms.example/cgi-bin/sendsms", Username: "app", Password: "apppw", PlainHTTP: true})
	require.NoError(t, err)
}

func TestSenderPrintsNoPassword(t *testing.T) {
	s := newGateway(t, 202, "").sender(t)
	type service struct{ sender any }
	for _, v := range []any{s, service{s}, &service{s}, *s} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, "apppw")
			require.NotContains(t, out, fmt.Sprintf("%x", "apppw"))
		}
	}
	require.True(t, strings.HasPrefix(fmt.Sprint(s), "kannel.Sender(http://127.0.0.1:"))
}

// A host may log its settings at the start.
func TestConfigPrintsNoPassword(t *testing.T) {
	out := posttest.Printed(kannel.Config{Username: "app", Password: "apppw"})
	require.NotContains(t, out, "apppw")
	require.NotContains(t, out, fmt.Sprintf("%x", "apppw"))
	require.Contains(t, out, "kannel.Config(redacted)")
}
