package twilio

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/post"
)

const (
	defaultURL = "https://api.twilio.com"
	ring       = 30 * time.Second // how long a call rings; longer ends at many a mailbox, which would record the code
	times      = 3                // how often a call says the code
)

// ErrConfig is wrapped by the errors of [New].
var ErrConfig = errors.New("twilio: invalid configuration")

// Config is an account of Twilio. Only its field and its JSON
// REVEAL the secret: printed or logged it is a placeholder.
type Config struct {
	// AccountSID is the account, "AC" and 32 hexadecimal digits. Required.
	AccountSID string
	// KeySID is an API key ("SK…"), which can be revoked alone and is what Twilio
	// recommends. Empty: the account itself.
	KeySID string
	// Secret is the API key's secret, or the account's auth token. Required.
	Secret string
	// From sends the messages: a number of the account in E.164, or a sender id.
	// With MessagingServiceSID ("MG…") instead, Twilio chooses one. One of the
	// two is needed for SMS.
	From, MessagingServiceSID string
	// CallFrom is the number that calls. Empty: no calls (phone.ErrVia), unless
	// From is a number.
	CallFrom string
	// DiscardContent asks Twilio to keep neither text nor number of a message
	// (ContentRetention, AddressRetention). The account needs Message Privacy,
	// otherwise every message is refused.
	DiscardContent bool
	// URL of the API. Empty: https://api.twilio.com; others are its regions.
	URL string
	// Client is the HTTP client. Nil: one with Go's defaults. Redirects are never
	// followed.
	Client *http.Client
	// Timeout of a request. Zero: 10 s.
	Timeout time.Duration
}

const redacted = "twilio.Config(redacted)"

// Format writes a placeholder for every verb.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (c Config) LogValue() slog.Value { return slog.StringValue(redacted) }

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	language   = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)
)

// Sender hands messages to Twilio. It shows no secret when printed.
type Sender struct {
	config func() Config // a closure, which fmt and encoders do not look into
	client *post.Client
}

// New returns a sender, or [ErrConfig]. It connects to nothing.
func New(c Config) (*Sender, error) {
	if c.URL == "" {
		c.URL = defaultURL
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.KeySID == "" {
		c.KeySID = c.AccountSID
	}
	if c.CallFrom == "" && strings.HasPrefix(c.From, "+") {
		c.CallFrom = c.From
	}
	switch err := post.CheckURL(c.URL, false); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	case !accountSID.MatchString(c.AccountSID):
		return nil, fmt.Errorf("%w: the account SID is not AC and 32 hexadecimal digits", ErrConfig)
	case c.Secret == "":
		return nil, fmt.Errorf("%w: no secret", ErrConfig)
	case c.From != "" && c.MessagingServiceSID != "":
		return nil, fmt.Errorf("%w: both From and MessagingServiceSID", ErrConfig)
	case c.From == "" && c.MessagingServiceSID == "" && c.CallFrom == "":
		return nil, fmt.Errorf("%w: nothing to send from", ErrConfig)
	}
	return &Sender{func() Config { return c }, post.New(c.Client, c.Timeout)}, nil
}

// Send sends m, as phone.Sender requires. Nil means that Twilio has queued it.
func (s *Sender) Send(ctx context.Context, m phone.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	resource, form, err := s.message(m)
	if err != nil {
		return err
	}
	c := s.config()
	h := http.Header{}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	h.Set("Accept", "application/json")
	h.Set("Authorization", basic(c.KeySID, c.Secret))
	to := c.URL + "/2010-04-01/Accounts/" + c.AccountSID + "/" + resource
	status, answer, err := s.client.Post(ctx, to, h, form.Encode())
	if err != nil {
		return fmt.Errorf("twilio: %w", err)
	}
	return result(status, answer)
}

func basic(user, password string) string {
	var r http.Request
	r.Header = http.Header{}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// message returns the resource to create and its fields.
func (s *Sender) message(m phone.Message) (resource string, form url.Values, err error) {
	c := s.config()
	form = url.Values{"To": {m.To.E164()}}
	switch {
	case m.Via == phone.SMS && c.MessagingServiceSID != "":
		form.Set("MessagingServiceSid", c.MessagingServiceSID)
	case m.Via == phone.SMS && c.From != "":
		form.Set("From", c.From)
	case m.Via == phone.Voice && c.CallFrom != "":
		form.Set("From", c.CallFrom)
		form.Set("Twiml", twiml(m))
		form.Set("Timeout", strconv.Itoa(int(ring/time.Second)))
		return "Calls.json", form, nil
	default:
		return "", nil, fmt.Errorf("twilio: %w: nothing to send it from", phone.ErrVia)
	}
	form.Set("Body", m.Text())
	form.Set("ValidityPeriod", strconv.Itoa(int(phone.CodeLifetime/time.Second)))
	if c.DiscardContent {
		form.Set("ContentRetention", "discard")
		form.Set("AddressRetention", "obfuscate")
	}
	return "Messages.json", form, nil
}

// twiml returns the instructions for a call: to speak the message. A language that is not
// a tag is left out, so that Twilio uses its default.
func twiml(m phone.Message) string {
	var b strings.Builder
	b.WriteString(`<Response><Say loop="` + strconv.Itoa(times) + `"`)
	if language.MatchString(m.Language) {
		b.WriteString(` language="` + m.Language + `"`)
	}
	b.WriteString(">")
	_ = xml.EscapeText(&b, []byte(m.Speech())) // into a Builder, which never fails
	b.WriteString("</Say></Response>")
	return b.String()
}

// undeliverable are the errors of Twilio's dictionary
// (https://www.twilio.com/docs/api/errors) that are about the person's number.
var undeliverable = map[int]bool{
	21211: true, // invalid 'To'
	21214: true, // cannot be reached
	21215: true, // calls to this country are not enabled
	21216: true, // calls to this number are not allowed
	21217: true, // does not appear to be valid
	21219: true, // not verified, for a trial account
	21408: true, // messages to this region are not enabled
	21608: true, // not verified, for a trial account
	21610: true, // has unsubscribed
	21612: true, // cannot be reached from this sender
	21614: true, // not a mobile number
	21635: true, // a landline
	30003: true, // unreachable handset
	30004: true, // blocked
	30005: true, // unknown handset
	30006: true, // a landline or an unreachable carrier
}

// result maps an answer. Its words do not go into the error, only Twilio's error number:
// the words quote the person's number.
func result(status int, answer []byte) error {
	var a struct {
		Code      int    `json:"code"`
		Status    any    `json:"status"` // a word of the message, or the number again in an error
		ErrorCode int    `json:"error_code"`
		SID       string `json:"sid"`
	}
	err := json.Unmarshal(answer, &a)
	switch code := max(a.Code, a.ErrorCode); {
	case status == http.StatusCreated && err == nil && a.SID != "" && !failed(a.Status):
		return nil
	case undeliverable[code]:
		return fmt.Errorf("twilio: %w: error %d", phone.ErrUndeliverable, code)
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError,
		status < http.StatusMultipleChoices && !failed(a.Status): // an answer that is not Twilio's, or half of one
		return fmt.Errorf("twilio: %w: status %d, error %d", phone.ErrUnavailable, status, code)
	default:
		return fmt.Errorf("twilio: %w: status %d, error %d", phone.ErrProvider, status, code)
	}
}

func failed(status any) bool {
	return status == "failed" || status == "undelivered" || status == "canceled"
}

// String names the account.
func (s *Sender) String() string { return fmt.Sprintf("twilio.Sender(%s)", s.config().AccountSID) }

// Format prints [Sender.String] for every verb and flag.
func (s *Sender) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }
