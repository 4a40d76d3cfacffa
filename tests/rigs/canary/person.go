package canary

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/kannel"
	"github.com/totpflow/totpflow/totp"
)

// The kinds of secrets.
const (
	seed         = "secret of an authenticator"
	appCode      = "code of an app"
	wrongCode    = "wrong code"
	phoneCode    = "code by phone"
	recoveryCode = "recovery code"
	issuedCode   = "issued code"
	ticket       = "challenge, proof or set-up token"
	trustToken   = "token of a trusted browser"
	windowKey    = "key of a window"
	disownToken  = "token of an \"it was not me\""
	phoneNumber  = "phone number"
	password     = "password of the provider"
)

// token remembers a token, as text and as the bytes inside it.
func (s *Secrets) token(kind, text string) {
	if text == "" {
		return
	}
	s.Add(kind, []byte(text))
	if inside, err := base64.RawURLEncoding.DecodeString(text); err == nil {
		s.Add(kind, inside)
		const secret, size = 34, 32 // the place of the secret in a trust token
		if kind == trustToken {
			s.Add(kind, inside[secret:secret+size])
		}
	}
}

// decision remembers the secrets of an answer.
func (l *Life) decision(d totpflow.Decision, err error) totpflow.Decision {
	l.token(ticket, string(d.Challenge))
	l.token(ticket, string(d.Proof))
	l.saw(err, d, d.Challenge, d.Proof)
	return d
}

// A person has an app.
type person struct {
	user  totpflow.User
	key   totp.Key
	sheet []string // recovery codes
	typed []string // codes of the app
	last  totp.Step
}

// raw returns the bytes of a key.
func raw(k totp.Key) []byte {
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(k.Secret())
	must(err)
	return b
}

// holds gives the person a new key.
func (l *Life) holds(p *person, k totp.Key) {
	l.Add(seed, raw(k))
	l.Add(seed, []byte(k.Secret()))
	p.key, p.last = k, 0
}

// code waits for a code that has not been typed yet.
func (l *Life) code(p *person) string {
	if step := p.key.Step(l.clock.Now()); step <= p.last {
		l.clock.Set(p.key.Start(p.last + 1))
	}
	p.last = p.key.Step(l.clock.Now())
	code, err := p.key.Code(l.clock.Now())
	must(err)
	l.AddCode(appCode, code)
	p.typed = append(p.typed, code)
	return code
}

// wrong returns a code from another year.
func (l *Life) wrong(p *person) string {
	code, err := p.key.Code(l.clock.Now().AddDate(1, 0, 0))
	must(err)
	l.AddCode(wrongCode, code)
	l.clock.Advance(time.Second * 31) // a different one each time
	return code
}

func (l *Life) challenge(ctx context.Context, p *person) totpflow.Decision {
	return l.decision(l.mfa.SignIn(ctx, p.user))
}

func (l *Life) signIn(ctx context.Context, p *person) totpflow.Decision {
	return l.decision(l.mfa.VerifyCode(ctx, l.challenge(ctx, p).Challenge, l.code(p)))
}

func (l *Life) prove(ctx context.Context, p *person, a totpflow.Action) totpflow.Proof {
	return l.proveFor(ctx, p, a.On(""))
}

func (l *Life) proveFor(ctx context.Context, p *person, purpose totpflow.Purpose) totpflow.Proof {
	proof, err := l.mfa.Account(p.user).VerifyCode(ctx, purpose, l.code(p))
	l.token(ticket, string(proof))
	l.saw(err, proof)
	return proof
}

// setUp binds an authenticator, after a wrong code or two.
func (l *Life) setUp(ctx context.Context, p *person, by totpflow.EnrollmentGrant) {
	page, err := l.mfa.BeginEnrollment(ctx, by)
	l.token(ticket, string(page.Token))
	l.saw(err, page, page.Token, page.Offer)
	key, _, err := totp.ParseURI(page.Offer.URI())
	must(err)
	l.holds(p, key)
	for range 2 {
		_, err = l.mfa.ConfirmEnrollment(ctx, page.Token, l.wrong(p))
		l.refused(totpflow.ErrRejected, err)
	}
	again, err := l.mfa.ContinueEnrollment(ctx, page.Token, by)
	l.say(again, err) // a proof that was used no longer shows it
	done, err := l.mfa.ConfirmEnrollment(ctx, page.Token, l.code(p))
	l.saw(err, done, done.Sheet)
	l.decision(done.Decision, err)
	l.sheet(p, done.Sheet.Codes)
}

func (l *Life) sheet(p *person, codes []string) {
	for _, code := range codes {
		l.Add(recoveryCode, []byte(code))
		l.Add(recoveryCode, []byte(strings.ReplaceAll(code, "-", "")))
	}
	if len(codes) > 0 {
		p.sheet = codes
	}
}

// A provider accepts messages, or refuses them and repeats the request in its answer, as
// some do.
type provider struct {
	life    *Life
	refuses *kannel.Sender
	server  *httptest.Server

	mu    sync.Mutex
	fails bool
	last  string
}

func newProvider(l *Life) (*provider, error) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) // as much of it as arrived
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(append(text, r.Header.Get("X-Kannel-To")+r.Header.Get("X-Kannel-Password")...))
	}
	p := &provider{life: l, server: httptest.NewServer(http.HandlerFunc(echo))}
	secret := "hunter2-of-the-gateway"
	l.Add(password, []byte(secret))
	var err error
	p.refuses, err = kannel.New(kannel.Config{URL: p.server.URL, Username: "totpflow", Password: secret})
	return p, err
}

func (p *provider) close() { p.server.Close() }

func (p *provider) Send(ctx context.Context, m phone.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = m.Code.Digits()
	p.life.AddCode(phoneCode, p.last)
	p.life.say(m, m.Code, m.To)
	if p.fails {
		return errors.Join(p.refuses.Send(ctx, m), phone.ErrUnavailable)
	}
	return nil
}
