package phone_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// message returns a message for the account's phone, and its code.
func message(t *testing.T) (phone.Message, string) {
	s := with(t, noon, mobile)
	_, m, err := s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "c", free...)
	require.NoError(t, err)
	require.Equal(t, mobile, m.To)
	require.Equal(t, phone.SMS, m.Via)
	require.Regexp(t, `^[0-9]{6}$`, m.Code.Digits())
	return m, m.Code.Digits()
}

// https://wicg.github.io/sms-one-time-codes/: the last line is "@", the host,
// a space, "#" and the code.
func TestText(t *testing.T) {
	m, code := message(t)
	require.Equal(t, "Your code is "+code+". Do not share it with anyone.", m.Text())
	m.Domain = "example.com"
	require.Equal(t, "Your code is "+code+". Do not share it with anyone.\n\n@example.com #"+code, m.Text())
	require.LessOrEqual(t, len(m.Text()), 160, "one message")
	m.Sentence = "{code} ist Ihr Code für Acme."
	require.Equal(t, code+" ist Ihr Code für Acme.\n\n@example.com #"+code, m.Text())
	m.Sentence = "Willkommen!"
	require.Equal(t, "Willkommen! "+code+"\n\n@example.com #"+code, m.Text(), "a translation that forgot the code")
	m.Sentence = " \n "
	require.Contains(t, m.Text(), "Your code is "+code)
}

// Somebody's name in the sentence cannot bind the code to another site.
func TestSentenceForgesNoLastLine(t *testing.T) {
	m, code := message(t)
	m.Sentence = "Dear Eve\r\n\u2028@evil.example #{code}\v\x00\u0085: {code}"
	require.Equal(t, "Dear Eve @evil.example #"+code+" : "+code, m.Text())
	m.Domain = "example.com"
	last := m.Text()[strings.LastIndex(m.Text(), "\n")+1:]
	require.Equal(t, "@example.com #"+code, last)
}

func TestSpeech(t *testing.T) {
	m, code := message(t)
	m.Domain = "example.com"
	m.Sentence = "Your Acme code is {code}."
	require.Equal(t, "Your Acme code is "+strings.Join(strings.Split(code, ""), ", ")+".", m.Speech())
}

func TestMessageValidate(t *testing.T) {
	good, _ := message(t)
	for _, domain := range []string{"", "example.com", "a.b-c.example", "localhost", "xn--bcher-kva.example"} {
		good.Domain = domain
		require.NoError(t, good.Validate(), domain)
	}
	for name, spoil := range map[string]func(*phone.Message){
		"no number":    func(m *phone.Message) { m.To = phone.Number{} },
		"no code":      func(m *phone.Message) { m.Code = phone.Code{} },
		"no way":       func(m *phone.Message) { m.Via = "" },
		"another way":  func(m *phone.Message) { m.Via = "fax" },
		"capitals":     func(m *phone.Message) { m.Domain = "Example.com" },
		"a URL":        func(m *phone.Message) { m.Domain = "https://example.com" },
		"a port":       func(m *phone.Message) { m.Domain = "example.com:443" },
		"a code in it": func(m *phone.Message) { m.Domain = "evil.example #{code}\n@example.com" },
		"an empty dot": func(m *phone.Message) { m.Domain = "example..com" },
		"hyphens":      func(m *phone.Message) { m.Domain = "-example.com" },
		"no ASCII":     func(m *phone.Message) { m.Domain = "bücher.example" },
		"long":         func(m *phone.Message) { m.Domain = strings.Repeat("a.", 130) + "example" },
		"a long label": func(m *phone.Message) { m.Domain = strings.Repeat("a", 64) + ".example" },
	} {
		m := good
		spoil(&m)
		require.ErrorIs(t, m.Validate(), phone.ErrMessage, name)
	}
}

// senderFunc is a function that is a Sender.
type senderFunc func(phone.Message) error

func (f senderFunc) Send(_ context.Context, m phone.Message) error { return f(m) }

func TestByVia(t *testing.T) {
	m, _ := message(t)
	var sent []string
	failed := errors.New("failed")
	by := phone.ByVia{
		SMS:   senderFunc(func(phone.Message) error { sent = append(sent, "sms"); return nil }),
		Voice: senderFunc(func(phone.Message) error { return failed }),
	}
	require.NoError(t, by.Send(t.Context(), m))
	require.Equal(t, []string{"sms"}, sent)
	m.Via = phone.Voice
	require.ErrorIs(t, by.Send(t.Context(), m), failed)
	by.Voice = nil
	require.ErrorIs(t, by.Send(t.Context(), m), phone.ErrVia)
	m.Via = "fax"
	require.ErrorIs(t, by.Send(t.Context(), m), phone.ErrVia)
}
