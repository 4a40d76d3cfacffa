package totpflow_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// A mistake in the configuration is found at start.
func TestNewRefuses(t *testing.T) {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	good := totpflow.Config{Issuer: "Acme", Store: store.NewMemory(), Keys: keys}
	_, err = totpflow.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*totpflow.Config){
		"no issuer":            func(c *totpflow.Config) { c.Issuer = "" },
		"colon in issuer":      func(c *totpflow.Config) { c.Issuer = "Acme: Backup" },
		"control in name":      func(c *totpflow.Config) { c.Issuer = "Acme\n" },
		"no store":             func(c *totpflow.Config) { c.Store = nil },
		"no keys":              func(c *totpflow.Config) { c.Keys = nil },
		"zero keys":            func(c *totpflow.Config) { c.Keys = &keyring.Ring{} },
		"9 digits":             func(c *totpflow.Config) { c.Params.Digits = 9 },
		"period of a day":      func(c *totpflow.Config) { c.Params.Period = 24 * time.Hour },
		"unknown hash":         func(c *totpflow.Config) { c.Params.Algorithm = 99 },
		"fraction of time":     func(c *totpflow.Config) { c.Params.Period = 30*time.Second + 1 },
		"no observer function": func(c *totpflow.Config) { c.Observer = event.ObserverFunc(nil) },
		"no notifier function": func(c *totpflow.Config) { c.Notifier = event.NotifierFunc(nil) },
		"14 nanoseconds":       func(c *totpflow.Config) { c.Policy = policy.Fixed{Grace: 14} },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			s, err := totpflow.New(c)
			require.ErrorIs(t, err, totpflow.ErrConfig)
			require.Nil(t, s)
		})
	}
}

// Fields that are left out have their defaults, and a person gets in by the real clock.
func TestDefaults(t *testing.T) {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	var log bytes.Buffer
	s, err := totpflow.New(totpflow.Config{Issuer: "Acme", Store: store.NewMemory(), Keys: keys, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	next, err := s.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step, "optional until somebody sets a policy")
	page, err := s.BeginEnrollment(t.Context(), next.Proof)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), page.Expires, time.Hour)
	key, _, err := totp.ParseURI(page.Offer.URI())
	require.NoError(t, err)
	code, err := key.Code(time.Now())
	require.NoError(t, err)
	_, err = s.ConfirmEnrollment(t.Context(), page.Token, code)
	require.NoError(t, err)
	next, err = s.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	require.Contains(t, log.String(), "kind=enrollment_confirmed", "the default observer logs to Logger")
}

// Other parameters work from enrollment to sign-in; records keep their own.
func TestOtherParams(t *testing.T) {
	for _, p := range []totp.Params{
		{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute},
		{Algorithm: totp.SHA512, Digits: 7, Period: 15 * time.Second},
	} {
		h := newHarness(t, func(c *totpflow.Config) { c.Params = p })
		phone, _ := h.Enroll(ana)
		require.Len(t, phone.Peek(), p.Digits)
		before := phone.Peek()
		h.Clock.Advance(p.Period)
		require.NotEqual(t, before, phone.Peek(), "a new code each period")
		h.PassByCode(ana, phone)
		h.Service = h.Open() // the default for new ones has changed; this one keeps its own
		h.PassByCode(ana, phone)
	}
}

// Strings that are handed around must not end up in a log by accident.
func TestTicketsDoNotPrint(t *testing.T) {
	h := newHarness(t)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	challenge := totpflow.Challenge(next.Proof)
	secrets := []string{string(next.Proof), string(page.Token), page.Offer.URI(), page.Offer.Secret(), strings.ReplaceAll(page.Offer.Secret(), " ", "")}

	type nested struct{ Inner any }
	for _, v := range []any{next.Proof, page.Token, challenge, page.Offer, next, page} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, arg := range []any{v, nested{v}, []any{v}, map[string]any{"k": v}, errors.New(fmt.Sprint(v))} {
				servicetest.RequireNone(t, fmt.Sprintf(verb, arg), secrets)
			}
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		servicetest.RequireNone(t, out.String(), secrets)
	}
	for _, v := range []any{next.Proof, page.Token, challenge} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		servicetest.RequireNone(t, out.String(), secrets)
	}
	require.Equal(t, "[no proof]", fmt.Sprint(totpflow.Proof("")))
}

// Nothing secret leaves in an event, and nothing is readable in the store: the test looks
// for every value that the whole life of an account produces.
func TestNothingSecretLeaks(t *testing.T) {
	var log bytes.Buffer
	h := newHarness(t, func(c *totpflow.Config) {
		c.Observer = event.Slog(slog.New(slog.NewJSONHandler(&log, nil)))
	})
	var secrets []string
	keep := func(s ...string) { secrets = append(secrets, s...) }

	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	keep(string(next.Proof), string(page.Token), strings.ReplaceAll(page.Offer.Secret(), " ", ""))
	h.RequireNoneStored(secrets)
	phone, codes := h.Enroll(ana)
	for range 3 {
		code := phone.Code()
		d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code)
		require.NoError(t, err)
		b, err := h.TrustBrowser(h.Ctx, d.Proof, "x")
		require.NoError(t, err)
		keep(code, string(d.Proof), string(b.Token))
		_, err = h.VerifyCode(h.Ctx, h.Challenge(ana), code)
		require.ErrorIs(t, err, totpflow.ErrAlreadyUsed)
		require.NotContains(t, err.Error(), code)
	}
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	keep(codes...)
	h.RequireNoneStored(secrets)
	servicetest.RequireNone(t, log.String(), secrets)
}
