package kannel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/post"
)

// ErrConfig is wrapped by the errors of [New].
var ErrConfig = errors.New("kannel: invalid configuration")

// Config describes how to reach Kannel and how to use it. Only its field and its JSON
// REVEAL the password: printed or logged it is a placeholder.
type Config struct {
	// URL of the sendsms interface, such as
	// "http://127.0.0.1:13013/cgi-bin/sendsms". Required.
	URL string
	// Username and Password of a sendsms-user group. Required. The user needs no
	// permission except to send.
	Username, Password string
	// From is the sender that the person sees, a number or a word. Empty: the sender that
	// Kannel is configured with.
	From string
	// SMSC is the id of the SMS centre to use. Empty: Kannel's routing.
	SMSC string
	// PlainHTTP allows http to another machine: codes and password then cross the
	// network in clear. Kannel can do TLS (sendsms-port-ssl).
	PlainHTTP bool
	// Client is the HTTP client. Nil: one with Go's defaults. Redirects are never
	// followed.
	Client *http.Client
	// Timeout of a request. Zero: 10 s.
	Timeout time.Duration
}

const redacted = "kannel.Config(redacted)"

// Format writes a placeholder for every verb.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (c Config) LogValue() slog.Value { return slog.StringValue(redacted) }

// Sender hands messages to Kannel. It shows no password when printed.
type Sender struct {
	config func() Config // a closure, which fmt and encoders do not look into
	client *post.Client
}

// New returns a sender, or [ErrConfig]. It connects to nothing.
func New(c Config) (*Sender, error) {
	if c.Username == "" || c.Password == "" {
		return nil, fmt.Errorf("%w: no username or no password", ErrConfig)
	}
	if err := post.CheckURL(c.URL, c.PlainHTTP); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	for _, header := range []string{c.Username, c.Password, c.From, c.SMSC} {
		if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, fmt.Errorf("%w: a header may contain printable ASCII only", ErrConfig)
		}
	}
	return &Sender{func() Config { return c }, post.New(c.Client, c.Timeout)}, nil
}

// Send sends m, as phone.Sender requires. Nil means that Kannel has accepted or queued
// it.
func (s *Sender) Send(ctx context.Context, m phone.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	if m.Via != phone.SMS {
		return fmt.Errorf("%w: Kannel makes no calls", phone.ErrVia)
	}
	text := m.Text()
	status, answer, err := s.client.Post(ctx, s.config().URL, s.header(m.To, text), text)
	if err != nil {
		return fmt.Errorf("kannel: %w", err)
	}
	return result(status, answer)
}

func (s *Sender) header(to phone.Number, text string) http.Header {
	c := s.config()
	h := http.Header{}
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("X-Kannel-Username", c.Username)
	h.Set("X-Kannel-Password", c.Password)
	h.Set("X-Kannel-To", to.E164())
	h.Set("X-Kannel-Coding", coding(text))
	h.Set("X-Kannel-Validity", strconv.Itoa(int(phone.CodeLifetime/time.Minute)))
	if c.From != "" {
		h.Set("X-Kannel-From", c.From)
	}
	if c.SMSC != "" {
		h.Set("X-Kannel-SMSC", c.SMSC)
	}
	return h
}

// result maps the answers of the user guide's table "SMS Push reply codes". The error
// omits Kannel's own text, which may quote the request. Any web server answers 200, even
// a proxy with its login page: only Kannel's own words mean that it has the message.
func result(status int, answer []byte) error {
	switch {
	case status == http.StatusAccepted, status == http.StatusOK && sent.Match(answer):
		return nil
	case status == http.StatusBadRequest && bytes.HasPrefix(answer, []byte("Number(s) has/have been denied")):
		return fmt.Errorf("kannel: %w: the number is denied", phone.ErrUndeliverable)
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return fmt.Errorf("kannel: %w: status %d", phone.ErrUnavailable, status)
	}
	return fmt.Errorf("kannel: %w: status %d", phone.ErrProvider, status)
}

var sent = regexp.MustCompile(`^(Sent\.|0: Accepted for delivery|3: Queued for later delivery)`)

// The alphabet of GSM 03.38 (3GPP TS 23.038 §6.2.1) with its extension, without ESC.
const gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" + "\f^{}\\[~]|€"

// coding is "0" for seven bits and "2" for UCS-2, without which Kannel writes a
// question mark for what it cannot represent.
func coding(text string) string {
	if strings.Trim(text, gsm) == "" {
		return "0"
	}
	return "2"
}

// String names the gateway.
func (s *Sender) String() string { return fmt.Sprintf("kannel.Sender(%s)", s.config().URL) }

// Format prints [Sender.String] for every verb and flag.
func (s *Sender) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }
