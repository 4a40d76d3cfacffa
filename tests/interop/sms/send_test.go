package sms

import (
	"fmt"
	"net/url"
	"regexp"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/kannel"
)

// A person has an account whose State is s, and a phone that gets the messages that
// arrive at the centre.
type person struct {
	s    phone.State
	keys *keyring.Ring
	at   time.Time
}

var every = phone.Limit{N: 64, Per: 24 * time.Hour}

func newPerson(t *testing.T) *person {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	return &person{keys: keys, at: time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)}
}

// message returns one to a number that belongs to nobody (Ofcom reserves +44 7700 900000
// to 900999 for drama).
func (p *person) message(t *testing.T, number string) (phone.Message, string) {
	n, err := phone.ParseNumber(number)
	require.NoError(t, err)
	s, pending, err := p.s.Add(p.at, n)
	require.NoError(t, err)
	s, m, err := s.SendPending(p.at, p.keys, pending.ID, phone.SMS, every)
	require.NoError(t, err)
	p.s = s
	m.Domain = "example.com"
	return m, pending.ID
}

// text returns what a phone shows of the message that the centre got.
func text(t *testing.T, got url.Values) string {
	if got.Get("coding") != "2" {
		require.Equal(t, "UTF-8", got.Get("charset"))
		return got.Get("text")
	}
	require.Equal(t, "UTF-16BE", got.Get("charset"))
	raw := []byte(got.Get("text"))
	require.Zero(t, len(raw)%2)
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return string(utf16.Decode(units))
}

// The exact text arrives, in the coding that it needs.
func TestKannelDelivers(t *testing.T) {
	c := newCentre(t)
	g := start(t, c, 2)
	p := newPerson(t)
	for _, tt := range []struct{ sentence, coding string }{
		{"Your Acme code is {code}.", "0"},
		{"{code} ist Ihr Code für Ägypten & Größe: 100 % ~ [€] {}", "0"},
		{"Ваш код Acme: {code}", "2"},
		{"Acme コード {code} 🔑", "2"},
	} {
		m, _ := p.message(t, "+44 7700 900123")
		m.Sentence = tt.sentence
		require.NoError(t, g.sender(t).Send(t.Context(), m), g.logs(t))
		got := c.next(t)
		require.Equal(t, m.Text(), text(t, got))
		require.Equal(t, tt.coding, got.Get("coding"))
		require.Equal(t, "+447700900123", got.Get("to"))
		require.Equal(t, "Acme", got.Get("from"))
		require.Contains(t, []string{"4", "5"}, got.Get("validity"), "whole minutes, of those that are left")
	}
	m, _ := p.message(t, "+44 7700 900123")
	require.NoError(t, g.sender(t, func(c *kannel.Config) { c.From = "+447700900001" }).Send(t.Context(), m))
	require.Equal(t, "+447700900001", c.next(t).Get("from"))
}

// A number is added and signs in, with the codes that arrive.
func TestSignInBySMS(t *testing.T) {
	c := newCentre(t)
	g := start(t, c, 2)
	p := newPerson(t)
	arrived := func() string {
		// As a phone does for autofill: it reads the last line and its host.
		line := regexp.MustCompile(`\n@example\.com #(\d{6})$`).FindStringSubmatch(text(t, c.next(t)))
		require.Len(t, line, 2)
		return line[1]
	}
	m, id := p.message(t, "+44 7700 900123")
	require.NoError(t, g.sender(t).Send(t.Context(), m))
	s, added, err := p.s.VerifyPending(p.at, p.keys, id, arrived())
	require.NoError(t, err)

	s, m, err = s.Send(p.at, p.keys, added.ID, phone.SMS, "challenge", every)
	require.NoError(t, err)
	m.Domain = "example.com"
	require.NoError(t, g.sender(t).Send(t.Context(), m))
	_, used, err := s.Verify(p.at, p.keys, "challenge", arrived())
	require.NoError(t, err)
	require.Equal(t, added.Number, used.Number)
}

// The errors distinguish the causes of a failure, and contain no secret.
func TestKannelRefuses(t *testing.T) {
	c := newCentre(t)
	g := start(t, c, 2)
	p := newPerson(t)
	m, _ := p.message(t, "+44 7700 900123")
	denied, _ := p.message(t, "+44 7700 900999")
	refused := func(err, want error) {
		require.ErrorIs(t, err, want)
		for _, secret := range []string{m.Code.Digits(), denied.Code.Digits(), "7700900", g.Password} {
			require.NotContains(t, err.Error(), secret)
		}
	}
	refused(g.sender(t, func(c *kannel.Config) { c.Password = "wrong" }).Send(t.Context(), m), phone.ErrProvider)
	refused(g.sender(t, func(c *kannel.Config) { c.URL = fmt.Sprintf("http://127.0.0.1:%d/sendsms", g.Send) }).Send(t.Context(), m), phone.ErrProvider)
	refused(g.sender(t).Send(t.Context(), denied), phone.ErrUndeliverable)

	g.smsbox.kill()
	refused(g.sender(t).Send(t.Context(), m), phone.ErrUnavailable)
	require.Empty(t, c.got, "nothing was sent")
}

// With the log level that package kannel names, no file of Kannel's contains the code;
// with a lower one the search would find it.
func TestKannelLogsNoCode(t *testing.T) {
	for level, logged := range map[int]bool{1: true, 2: false} {
		c := newCentre(t)
		g := start(t, c, level)
		m, _ := newPerson(t).message(t, "+44 7700 900123")
		require.NoError(t, g.sender(t).Send(t.Context(), m))
		require.Contains(t, text(t, c.next(t)), m.Code.Digits())
		sent := regexp.MustCompile(`sent: sms 1`)
		require.Eventually(t, func() bool { return sent.MatchString(g.status()) }, patience, 10*time.Millisecond)
		logs := g.logs(t)
		require.Contains(t, logs, "+447700900123", "there is an access log")
		require.Equal(t, logged, regexp.MustCompile(m.Code.Digits()).MatchString(logs), "log-level %d:\n%s", level, logs)
	}
}
