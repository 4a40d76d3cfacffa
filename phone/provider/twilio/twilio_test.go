package twilio_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/posttest"
	"github.com/totpflow/totpflow/phone/provider/twilio"
)

const account = "AC00000000000000000000000000000000"

var message = posttest.Message

// api is a mock: it has the shape of Twilio's public documentation (Message and Call
// resources of 2010-04-01, errors as JSON), and no logic behind it.
type api struct {
	*httptest.Server
	fail   int // the HTTP status of an error
	code   int // Twilio's number for it
	answer string
	got    *http.Request
	form   url.Values
}

func newAPI(t testing.TB) *api {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	a.got, a.form = r, r.PostForm
	w.Header().Set("Content-Type", "application/json")
	say := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	refuse := func(status, code int, words string) {
		say(status, map[string]any{"code": code, "message": words, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status})
	}
	user, password, _ := r.BasicAuth()
	base := "/2010-04-01/Accounts/" + account + "/"
	message := map[string]any{
		"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "error_code": nil, "error_message": nil, "account_sid": account,
		"to": r.PostForm.Get("To"), "body": r.PostForm.Get("Body"), "num_segments": "1", "direction": "outbound-api", "api_version": "2010-04-01",
	}
	switch {
	case a.answer != "":
		w.WriteHeader(max(a.fail, 201))
		_, _ = w.Write([]byte(a.answer))
	case r.Method != http.MethodPost || user != account && user != "SK1" || password != "s3cret":
		refuse(401, 20003, "Authenticate")
	case a.fail != 0:
		refuse(a.fail, a.code, "The 'To' number "+r.PostForm.Get("To")+" is bad: "+r.PostForm.Get("Body"))
	case r.URL.Path == base+"Messages.json":
		say(201, message)
	case r.URL.Path == base+"Calls.json":
		say(201, map[string]any{"sid": "CA0123456789abcdef0123456789abcdef", "status": "queued", "to": r.PostForm.Get("To")})
	default:
		refuse(404, 20404, "The requested resource was not found")
	}
}

func (a *api) sender(t testing.TB, changes ...func(*twilio.Config)) *twilio.Sender {
	c := twilio.Config{AccountSID: account, Secret: "s3cret", From: "+15005550006", URL: a.URL}
	for _, change := range changes {
		change(&c)
	}
	s, err := twilio.New(c)
	require.NoError(t, err)
	return s
}

func TestMessage(t *testing.T) {
	a := newAPI(t)
	m := message(phone.SMS)
	m.Domain = "example.com"
	require.NoError(t, a.sender(t).Send(t.Context(), m))
	require.Equal(t, "/2010-04-01/Accounts/"+account+"/Messages.json", a.got.URL.String(), "nothing of it in the URL")
	require.Equal(t, "application/x-www-form-urlencoded", a.got.Header.Get("Content-Type"))
	require.Equal(t, url.Values{"To": {"+447700900123"}, "From": {"+15005550006"}, "Body": {m.Text()}, "ValidityPeriod": {"300"}}, a.form)

	require.NoError(t, a.sender(t, func(c *twilio.Config) {
		c.From, c.MessagingServiceSID, c.DiscardContent, c.KeySID, c.URL = "", "MG1", true, "SK1", c.URL+"/"
	}).Send(t.Context(), m))
	require.Equal(t, url.Values{
		"To": {"+447700900123"}, "MessagingServiceSid": {"MG1"}, "Body": {m.Text()}, "ValidityPeriod": {"300"},
		"ContentRetention": {"discard"}, "AddressRetention": {"obfuscate"},
	}, a.form)
}

func TestCall(t *testing.T) {
	a := newAPI(t)
	m := message(phone.Voice)
	m.Language, m.Sentence = "de-AT", `Ihr "Acme & Söhne" Code: <{code}>`
	require.NoError(t, a.sender(t).Send(t.Context(), m))
	require.Equal(t, "/2010-04-01/Accounts/"+account+"/Calls.json", a.got.URL.String())
	type response struct {
		XMLName xml.Name `xml:"Response"`
		Say     struct {
			Loop     int    `xml:"loop,attr"`
			Language string `xml:"language,attr"`
			Text     string `xml:",chardata"`
		}
	}
	var got response
	require.NoError(t, xml.Unmarshal([]byte(a.form.Get("Twiml")), &got))
	require.Equal(t, 3, got.Say.Loop)
	require.Equal(t, "de-AT", got.Say.Language)
	require.Equal(t, m.Speech(), got.Say.Text)
	require.Contains(t, got.Say.Text, strings.Join(strings.Split(m.Code.Digits(), ""), ", "), "digit by digit")
	a.form.Del("Twiml")
	require.Equal(t, url.Values{"To": {"+447700900123"}, "From": {"+15005550006"}, "Timeout": {"30"}}, a.form)

	for _, language := range []string{"", `de" loop="99`, "de_AT", "<x>"} {
		m.Language = language
		require.NoError(t, a.sender(t, func(c *twilio.Config) { c.From, c.CallFrom = "Acme", "+15005550009" }).Send(t.Context(), m))
		require.NotContains(t, a.form.Get("Twiml"), "language")
		require.Equal(t, "+15005550009", a.form.Get("From"))
	}
}

// https://www.twilio.com/docs/api/errors
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		status, code int
		want         error
	}{
		{400, 21211, phone.ErrUndeliverable}, {400, 21214, phone.ErrUndeliverable}, {400, 21215, phone.ErrUndeliverable}, {400, 21216, phone.ErrUndeliverable},
		{400, 21217, phone.ErrUndeliverable}, {400, 21219, phone.ErrUndeliverable}, {403, 21408, phone.ErrUndeliverable}, {400, 21608, phone.ErrUndeliverable},
		{400, 21610, phone.ErrUndeliverable}, {400, 21612, phone.ErrUndeliverable}, {400, 21614, phone.ErrUndeliverable}, {400, 21635, phone.ErrUndeliverable},
		{401, 20003, phone.ErrProvider}, {400, 21606, phone.ErrProvider}, {400, 30029, phone.ErrProvider}, {404, 20404, phone.ErrProvider}, {400, 0, phone.ErrProvider},
		{429, 20429, phone.ErrUnavailable}, {500, 20500, phone.ErrUnavailable}, {503, 20503, phone.ErrUnavailable},
	} {
		a := newAPI(t)
		a.fail, a.code = tt.status, tt.code
		m := message(phone.SMS)
		err := a.sender(t).Send(t.Context(), m)
		require.ErrorIs(t, err, tt.want, tt.code)
		require.ErrorContains(t, err, fmt.Sprint(tt.code))
		for _, secret := range []string{m.Code.Digits(), "7700900123", "s3cret", account} {
			require.NotContains(t, err.Error(), secret)
		}
	}
	a := newAPI(t)
	require.ErrorIs(t, a.sender(t, func(c *twilio.Config) { c.Secret = "wrong" }).Send(t.Context(), message(phone.SMS)), phone.ErrProvider)
}

func TestStrangeAnswers(t *testing.T) {
	for answer, want := range map[string]error{
		`{"sid":"SM1","status":"queued"}`:                        nil,
		`{"sid":"SM1","status":"accepted"}`:                      nil,
		`{"sid":"SM1","status":"failed","error_code":30006}`:     phone.ErrUndeliverable,
		`{"sid":"SM1","status":"failed","error_code":30008}`:     phone.ErrProvider,
		`{"sid":"SM1","status":"canceled","error_code":null}`:    phone.ErrProvider,
		`{"sid":"","status":"queued"}`:                           phone.ErrUnavailable,
		`{"sid":"SM1","status":"queued"`:                         phone.ErrUnavailable,
		`<html>please sign in to the wireless network</html>`:    phone.ErrUnavailable,
		`{"sid":"SM1","status":"undelivered","error_code":"30"}`: phone.ErrProvider,
	} {
		a := newAPI(t)
		a.answer = answer
		require.ErrorIs(t, a.sender(t).Send(t.Context(), message(phone.SMS)), want, answer)
	}
	a := newAPI(t)
	a.answer, a.fail = "<html>307</html>", 307
	require.ErrorIs(t, a.sender(t).Send(t.Context(), message(phone.SMS)), phone.ErrProvider)
	a.answer, a.fail = `{"sid":"SM1","status":"queued"}`, 400
	require.ErrorIs(t, a.sender(t).Send(t.Context(), message(phone.SMS)), phone.ErrProvider, "an error is one, whatever it says")
	a.answer, a.fail = "<html>502</html>", 502
	require.ErrorIs(t, a.sender(t).Send(t.Context(), message(phone.SMS)), phone.ErrUnavailable)
	s := a.sender(t)
	a.Close()
	err := s.Send(t.Context(), message(phone.SMS))
	require.ErrorIs(t, err, phone.ErrUnavailable)
	require.NotContains(t, err.Error(), account)
}

func TestSendRefuses(t *testing.T) {
	a := newAPI(t)
	require.ErrorIs(t, a.sender(t).Send(t.Context(), phone.Message{}), phone.ErrMessage)
	word := a.sender(t, func(c *twilio.Config) { c.From = "Acme" })
	require.ErrorIs(t, word.Send(t.Context(), message(phone.Voice)), phone.ErrVia, "a word calls nobody")
	calls := a.sender(t, func(c *twilio.Config) { c.From, c.CallFrom = "", "+15005550006" })
	require.ErrorIs(t, calls.Send(t.Context(), message(phone.SMS)), phone.ErrVia)
	require.Nil(t, a.got, "nothing was sent")
	require.NoError(t, calls.Send(t.Context(), message(phone.Voice)))
}

func TestNewRefuses(t *testing.T) {
	good := twilio.Config{AccountSID: account, Secret: "s3cret", From: "+15005550006"}
	_, err := twilio.New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*twilio.Config){
		"no account":      func(c *twilio.Config) { c.AccountSID = "" },
		"another account": func(c *twilio.Config) { c.AccountSID = "AC123/../" + account },
		"an API key":      func(c *twilio.Config) { c.AccountSID = "SK" + account[2:] },
		"no secret":       func(c *twilio.Config) { c.Secret = "" },
		"no sender":       func(c *twilio.Config) { c.From = "" },
		"two senders":     func(c *twilio.Config) { c.MessagingServiceSID = "MG1" },
		"in clear":        func(c *twilio.Config) { c.URL = "http://api.twilio.example" },
	} {
		c := good
		spoil(&c)
		s, err := twilio.New(c)
		require.ErrorIs(t, err, twilio.ErrConfig, name)
		require.Nil(t, s)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestSenderPrintsNoSecret(t *testing.T) {
	s := newAPI(t).sender(t)
	type service struct{ sender any }
	for _, v := range []any{s, service{s}, &service{s}, *s} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, "s3cret")
			require.NotContains(t, out, fmt.Sprintf("%x", "s3cret"))
		}
	}
	require.Equal(t, "twilio.Sender("+account+")", fmt.Sprint(s))
}

// A host may log its settings at the start.
func TestConfigPrintsNoSecret(t *testing.T) {
	out := posttest.Printed(twilio.Config{AccountSID: account, Secret: "s3cret"})
	require.NotContains(t, out, "s3cret")
	require.NotContains(t, out, fmt.Sprintf("%x", "s3cret"))
	require.Contains(t, out, "twilio.Config(redacted)")
}
