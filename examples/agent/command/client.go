package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// factor is the path of the calls of module web on the server: the second step,
// enrollment, and what a signed-in person does with their factors. The other calls are
// the console's own (docs/api.md).
const factor = "/2fa/api"

// A refusal is the server's answer to a request that did not meet a requirement
// (docs/api.md).
type refusal struct {
	Word          string         `json:"error"`
	Reason        string         `json:"reason"`
	Phones        []phone        `json:"phones"`
	Sent          *sentCode      `json:"sent"` // a code is on its way already, for this sign-in
	Challenge     string         `json:"challenge"`
	Methods       []string       `json:"methods"`
	Organisations []organisation `json:"organisations"`
	Until         time.Time      `json:"until"`
	Pair          bool           `json:"pair"`
	Action        string         `json:"action"`
	Target        string         `json:"target"`
	TargetName    string         `json:"target_name"`
	ClockOff      int            `json:"clock_off"`
}

func (e *refusal) Error() string { return "refused: " + e.Word }

// refusedFor returns the refusal that err wraps, if it has this word.
func refusedFor(err error, word string) (e *refusal, ok bool) {
	return e, errors.As(err, &e) && e.Word == word
}

type organisation struct{ ID, Name string }

// A phone can receive codes. Its number is masked.
type phone struct{ ID, Number, Via string }

// A sentCode is a code on its way to a masked number. Another one can be sent from Again on.
type sentCode struct {
	To, Via string
	Again   time.Time
}

// A signedIn is a completed sign-in.
type signedIn struct {
	Session           string    `json:"session"`
	By                string    `json:"by"`
	Proof             string    `json:"proof"`
	SetUpUntil        time.Time `json:"setup_until"`
	RecoveryCodesLeft int       `json:"recovery_codes_left"`
	RecoveryCodes     []string  `json:"recovery_codes"`
	Cleared           []string  `json:"cleared"`
}

// A backup is one that the server stores.
type backup struct {
	ID        string    `json:"id"`
	Machine   string    `json:"machine"`
	Taken     time.Time `json:"taken"`
	Gigabytes int       `json:"gigabytes"`
}

// object is the body of a request.
type object map[string]any

// A client talks to one server.
type client struct {
	base     string
	session  string
	proof    string
	language string // of mails to the person
}

// newClient refuses an address that would send passwords over the network in
// the clear.
func newClient(address string) (client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return client{}, errServer
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return client{}, errServer
	}
	return client{base: strings.TrimSuffix(u.String(), "/")}, nil
}

// client returns a client for the server, in the language of the terminal.
func (a *agent) client(address string) (client, error) {
	c, err := newClient(address)
	c.language = a.words.Tag()
	return c, err
}

// as returns the client with a session.
func (c client) as(session string) client {
	c.session = session
	return c
}

// proved returns the client with a proof for its next request.
func (c client) proved(proof string) client {
	c.proof = proof
	return c
}

// browser sends the requests. It follows no redirects, so passwords go only to the server
// that the person has named.
var browser = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

const maxAnswer = 1 << 20

func (c client) get(ctx context.Context, path string, out any) error {
	return c.call(ctx, http.MethodGet, path, nil, out)
}

func (c client) post(ctx context.Context, path string, in object, out any) error {
	return c.call(ctx, http.MethodPost, path, in, out)
}

// call sends a request. It decodes the answer into out, or returns a *refusal.
func (c client) call(ctx context.Context, method, path string, in object, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("%w: %w", errServer, err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.session != "" {
		r.Header.Set("Authorization", "Bearer "+c.session)
	}
	if c.language != "" {
		r.Header.Set("Accept-Language", c.language)
	}
	if c.proof != "" {
		r.Header.Set("Proof", c.proof)
	}
	resp, err := browser.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return answer(resp.StatusCode, text, out)
}

// answer reads the server's answer.
func answer(status int, text []byte, out any) error {
	if status == http.StatusNoContent {
		return nil
	}
	if status < 200 || status > 299 {
		e := new(refusal)
		if err := json.Unmarshal(text, e); err != nil || e.Word == "" {
			return fmt.Errorf("%w: status %d", errAnswer, status)
		}
		return e
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%w: %w", errAnswer, err)
	}
	return nil
}
