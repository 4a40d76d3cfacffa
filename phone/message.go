package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// Via is the way a code is sent.
type Via string

// The ways. Both are the public telephone network, which NIST calls restricted
// (SP 800-63B-4 §3.1.3.3).
const (
	SMS   Via = "sms"   // a short message
	Voice Via = "voice" // a call that speaks the code
)

func (v Via) known() bool { return v == SMS || v == Voice }

// Errors of a [Sender] that has not handed the message over.
var (
	// ErrVia means that this sender does not support the way: calls, for example.
	ErrVia = errors.New("phone: the sender cannot send in this way")
	// ErrUndeliverable means that the provider does not deliver to this number,
	// now or later: no such number, a landline, opted out, a country that is not
	// served. Offer the person another way.
	ErrUndeliverable = errors.New("phone: the provider does not deliver to this number")
	// ErrProvider means that the provider refuses the host and not the number:
	// credentials, balance, a sender that is not registered. An operator has to
	// know.
	ErrProvider = errors.New("phone: the provider refuses the request")
	// ErrUnavailable means that the provider did not answer, or asks to come
	// back later. The message may have been sent nevertheless.
	ErrUnavailable = errors.New("phone: the provider is unavailable")
	// ErrMessage means that a message cannot be sent as it is; see
	// [Message.Validate].
	ErrMessage = errors.New("phone: incomplete message")
)

// A Sender hands messages to a provider. The module phone/provider has two:
// packages kannel and twilio.
//
// Send returns nil when the provider has accepted the message; it may not have arrived
// yet. It returns when ctx ends. It tries once: a time-out does not show whether the
// message is on its way, and a second one would confuse the person and cost money. Its
// errors wrap one of this package's; they contain neither the code, nor the text, nor the
// number, nor the provider's answer, which may quote them. It is safe for concurrent
// use.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ByVia is a Sender that uses one for each way. A nil one is [ErrVia].
type ByVia struct {
	SMS, Voice Sender
}

// Send sends m by the sender of its way.
func (b ByVia) Send(ctx context.Context, m Message) error {
	by := map[Via]Sender{SMS: b.SMS, Voice: b.Voice}[m.Via]
	if by == nil {
		return fmt.Errorf("%w: %s", ErrVia, m.Via)
	}
	return by.Send(ctx, m)
}

// A Message is a code for a number. [State.Send] makes it with To, Via and Code;
// the caller adds sentence, domain and language. It prints without number and code.
type Message struct {
	To   Number
	Via  Via
	Code Code
	// Language is a BCP 47 tag, such as "de-AT", for the voice of a call. Empty:
	// the sender's default.
	Language string
	// Sentence is the text that the person reads or hears, in that language, with {code}
	// in place of the code. Without {code} the code is added at the end. Empty:
	// "Your code is {code}. Do not share it with anyone."
	Sentence string
	// Domain is the host that the code is for, such as "example.com". Phones then fill in
	// the code for that site only, not for a look-alike. It goes into the last line of
	// [Message.Text]. Empty: no such line.
	Domain string
}

const (
	placeholder     = "{code}"
	defaultSentence = "Your code is {code}. Do not share it with anyone."
)

// Validate returns [ErrMessage], wrapped, for a message without number or code,
// of an unknown way, or with a domain that is not a lower-case host name. Senders
// call it first.
func (m Message) Validate() error {
	switch {
	case m.To.IsZero():
		return fmt.Errorf("%w: no number", ErrMessage)
	case m.Code.IsZero():
		return fmt.Errorf("%w: no code", ErrMessage)
	case !m.Via.known():
		return fmt.Errorf("%w: no way %q", ErrMessage, string(m.Via))
	case m.Domain != "" && !isHost(m.Domain):
		return fmt.Errorf("%w: %q is not a host name", ErrMessage, m.Domain)
	}
	return nil
}

// Text returns the text of a short message: the sentence with the code, and
// where there is a domain a last line that binds the code to it, as
// https://wicg.github.io/sms-one-time-codes/ describes:
//
//	Your code is 123456. Do not share it with anyone.
//
//	@example.com #123456
//
// It reveals the code. One message has room for 160 characters of the GSM 03.38
// alphabet, or 70 if it contains any other character.
func (m Message) Text() string {
	text := m.say(m.Code.Digits())
	if m.Domain != "" {
		text += "\n\n@" + m.Domain + " #" + m.Code.Digits()
	}
	return text
}

// Speech returns the words for a call: the sentence with the digits apart, "1, 2, 3,
// 4, 5, 6", so that they are not read as a number. It reveals the code. Senders must
// speak it at least twice.
func (m Message) Speech() string {
	return m.say(strings.Join(strings.Split(m.Code.Digits(), ""), ", "))
}

// say fills the sentence in. Line breaks and control characters in it become
// spaces: a name in the sentence could otherwise forge the last line and bind the
// code to the thief's site.
func (m Message) say(code string) string {
	sentence := strings.Join(strings.FieldsFunc(m.Sentence, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	switch {
	case sentence == "":
		sentence = defaultSentence
	case !strings.Contains(sentence, placeholder):
		sentence += " " + placeholder
	}
	return strings.ReplaceAll(sentence, placeholder, code)
}

// isHost accepts lower-case host names (RFC 1123 §2.1).
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// String returns the way and the masked number.
func (m Message) String() string { return fmt.Sprintf("phone.Message(%s to %s)", string(m.Via), m.To) }

// Format prints [Message.String] for every verb and flag.
func (m Message) Format(f fmt.State, _ rune) { io.WriteString(f, m.String()) }

// LogValue returns [Message.String].
func (m Message) LogValue() slog.Value { return slog.StringValue(m.String()) }
