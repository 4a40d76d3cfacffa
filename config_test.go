package totpflow_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
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
		"no issuer":        func(c *totpflow.Config) { c.Issuer = "" },
		"colon in issuer":  func(c *totpflow.Config) { c.Issuer = "Acme: Backup" },
		"control in name":  func(c *totpflow.Config) { c.Issuer = "Acme\n" },
		"no store":         func(c *totpflow.Config) { c.Store = nil },
		"no keys":          func(c *totpflow.Config) { c.Keys = nil },
		"zero keys":        func(c *totpflow.Config) { c.Keys = &keyring.Ring{} },
		"9 digits":         func(c *totpflow.Config) { c.Params.Digits = 9 },
		"period of a day":  func(c *totpflow.Config) { c.Params.Period = 24 * time.Hour },
		"unknown hash":     func(c *totpflow.Config) { c.Params.Algorithm = 99 },
		"fraction of time": func(c *totpflow.Config) { c.Params.Period = 30*time.Second + 1 },
		"no sink function": func(c *totpflow.Config) { c.Events = event.SinkFunc(nil) },
		"14 nanoseconds":   func(c *totpflow.Config) { c.Policy = policy.Fixed{Grace: 14} },
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

// Other parameters work from enrollment to sign-in; records keep their own.
func TestOtherParams(t *testing.T) {
	for _, p := range []totp.Params{
		{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute},
		{Algorithm: totp.SHA512, Digits: 7, Period: 15 * time.Second},
	} {
		h := newHouse(t, func(c *totpflow.Config) { c.Params = p })
		phone, _ := h.enroll(ana)
		h.pass(ana, phone)
		h.Service = h.open() // the default for new ones has changed; this one stays as it is
		h.pass(ana, phone)
	}
}

// What is handed around must not end up in a log by accident.
func TestTicketsDoNotPrint(t *testing.T) {
	h := newHouse(t)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.ctx, next.Proof)
	require.NoError(t, err)
	challenge := totpflow.Challenge(next.Proof)
	secrets := []string{string(next.Proof), string(page.Token), page.Offer.URI(), page.Offer.Secret(), strings.ReplaceAll(page.Offer.Secret(), " ", "")}

	type nested struct{ Inner any }
	for _, v := range []any{next.Proof, page.Token, challenge, page.Offer, next, page} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, arg := range []any{v, nested{v}, []any{v}, map[string]any{"k": v}, errors.New(fmt.Sprint(v))} {
				clean(t, fmt.Sprintf(verb, arg), secrets)
			}
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		clean(t, out.String(), secrets)
	}
	for _, v := range []any{next.Proof, page.Token, challenge} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		clean(t, out.String(), secrets)
	}
	require.Equal(t, "[no proof]", fmt.Sprint(totpflow.Proof("")))
}

func clean(t *testing.T, printed string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s)} {
			require.NotContains(t, printed, form)
		}
	}
}

// Nothing secret leaves by way of events, and nothing lies readable in the
// store: every value that a whole life of an account produces is looked for.
func TestNothingSecretLeaks(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *totpflow.Config) {
		c.Events = event.Slog(slog.New(slog.NewJSONHandler(&log, nil)))
	})
	var secrets []string
	keep := func(s ...string) { secrets = append(secrets, s...) }

	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.ctx, next.Proof)
	require.NoError(t, err)
	keep(string(next.Proof), string(page.Token), strings.ReplaceAll(page.Offer.Secret(), " ", ""))
	h.dump(t, secrets)
	phone, codes := h.enroll(ana)
	for range 3 {
		code := phone.Code()
		d, err := h.VerifyCode(h.ctx, h.ask(ana), code)
		require.NoError(t, err)
		b, err := h.TrustBrowser(h.ctx, d.Proof, "x")
		require.NoError(t, err)
		keep(code, string(d.Proof), string(b.Token))
		_, err = h.VerifyCode(h.ctx, h.ask(ana), code)
		require.ErrorIs(t, err, totpflow.ErrAlreadyUsed)
		require.NotContains(t, err.Error(), code)
	}
	_, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	keep(codes...)
	h.dump(t, secrets)
	clean(t, log.String(), secrets)
}

// dump looks through all that the store has.
func (h *house) dump(t *testing.T, secrets []string) {
	t.Helper()
	page, err := h.memory.List(h.ctx, store.Query{AllTenants: true})
	require.NoError(t, err)
	require.NotEmpty(t, page.Records)
	data, err := json.Marshal(page)
	require.NoError(t, err)
	for _, r := range page.Records {
		clean(t, string(data)+string(r.Sealed), secrets)
	}
}
