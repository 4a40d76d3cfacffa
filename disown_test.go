package totpflow_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// "It was not me" takes trust away and nothing else: no factor changes, browsers,
// sessions, sign-ins under way and an issued code end, and nobody gets in. Saying
// it again does nothing.
func TestDisown(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	token := h.trusted(ana, phone)
	told := h.told(event.BrowserTrusted)
	require.Len(t, told, 1)
	begun := h.clock.Now()
	link := h.NewDisownToken(told[0])
	h.events.kinds()
	require.NoError(t, h.Disown(h.ctx, link))
	frozen := h.told(event.Frozen)
	require.Len(t, frozen, 1)
	require.Equal(t, "browser_trusted", frozen[0].Reason)
	require.Empty(t, frozen[0].Actor)

	h.unchanged(func() {
		require.NoError(t, h.Disown(h.ctx, link), "it may be clicked twice")
		require.NoError(t, h.Disown(h.ctx, h.NewDisownToken(frozen[0])))
		d, err := h.SignIn(h.ctx, ana, token)
		refused(t, d, err, totpflow.ErrFrozen)
	})
	valid, err := h.Account(ana).SessionValid(h.ctx, begun.Add(time.Hour))
	require.NoError(t, err)
	require.False(t, valid, "no session stands, whenever it was begun")
	m := h.member(anaID)
	require.Equal(t, admin.StateFrozen, m.State)
	require.Equal(t, begun, m.FrozenAt)
	require.Equal(t, 1, m.Authenticators)
	require.Equal(t, 10, m.RecoveryCodesLeft)
	require.Empty(t, m.Browsers)
	page, err := h.Admin(nil).ListPage(h.ctx, ops, store.Query{Tenant: "acme", State: "frozen"})
	require.NoError(t, err)
	require.Len(t, page.Members, 1)
}

// Every call of a service and of an account, on a frozen account: none lets
// anybody in, none hands anything out, and what is left writes no factor. The
// table names them all, and each must stand in it.
func TestFrozenRefusesEveryWayIn(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	token := h.trusted(ana, phone)
	spare := func() totpflow.Challenge { return h.ask(ana) }
	c, signed := spare(), h.pass(ana, phone).Proof
	prove := func(a totpflow.Action) totpflow.Proof { return h.prove(ana, a, phone) }
	replace, add, disable, renew, other, remove := prove(totpflow.ActionReplaceAuthenticator), prove(totpflow.ActionAddAuthenticator), prove(totpflow.ActionDisable),
		prove(totpflow.ActionRecoveryCodes), prove("x"), prove(totpflow.ActionRemoveAuthenticator)
	page, err := h.BeginEnrollment(h.ctx, add)
	require.NoError(t, err)
	browser := h.status(ana).Browsers[0].ID
	issued := h.issue(anaID)
	h.disown(ana)

	a := h.Account(ana)
	service := map[string]func() error{
		"SignIn":             func() error { return second(h.SignIn(h.ctx, ana, token)) },
		"SignInMachine":      func() error { return second(h.SignInMachine(h.ctx, ana)) },
		"ContinueSignIn":     func() error { return second(h.ContinueSignIn(h.ctx, c)) },
		"VerifyCode":         func() error { return second(h.VerifyCode(h.ctx, c, phone.Code())) },
		"VerifyPair":         func() error { x, y := phone.Pair(); return second(h.VerifyPair(h.ctx, c, x, y)) },
		"VerifyRecoveryCode": func() error { return second(h.VerifyRecoveryCode(h.ctx, c, codes[0])) },
		"VerifyIssuedCode":   func() error { return second(h.VerifyIssuedCode(h.ctx, c, issued)) },
		"VerifyExternal": func() error {
			return second(h.VerifyExternal(h.ctx, c, "key", func(context.Context) error { return nil }))
		},
		"TrustBrowser":       func() error { return second(h.TrustBrowser(h.ctx, signed, "x")) },
		"BeginEnrollment":    func() error { return second(h.BeginEnrollment(h.ctx, replace)) },
		"ContinueEnrollment": func() error { return second(h.ContinueEnrollment(h.ctx, page.Token, add)) },
		"ConfirmEnrollment":  func() error { return second(h.ConfirmEnrollment(h.ctx, page.Token, phone.Code())) },
	}
	account := map[string]func() error{
		"Reauthenticate":      func() error { return second(a.Reauthenticate(h.ctx, "x", phone.Code())) },
		"ConsumeProof":        func() error { return a.ConsumeProof(h.ctx, other, "x") },
		"Disable":             func() error { return a.Disable(h.ctx, disable) },
		"RemoveAuthenticator": func() error { return a.RemoveAuthenticator(h.ctx, remove, "x") },
		"NewRecoveryCodes":    func() error { return second(a.NewRecoveryCodes(h.ctx, renew)) },
	}
	harmless := map[string]func() error{ // to look, and to take more trust away
		"Status":              func() error { return second(a.Status(h.ctx)) },
		"SessionValid":        func() error { return second(a.SessionValid(h.ctx, h.clock.Now())) },
		"RenameAuthenticator": func() error { return a.RenameAuthenticator(h.ctx, h.status(ana).Authenticators[0].ID, "Old phone") },
		"RecoveryCodesSaved":  func() error { return a.RecoveryCodesSaved(h.ctx) },
		"RevokeBrowser":       func() error { return a.RevokeBrowser(h.ctx, browser) },
		"RevokeBrowsers":      func() error { return a.RevokeBrowsers(h.ctx) },
		"PasswordChanged":     func() error { return a.PasswordChanged(h.ctx) },
	}
	h.unchanged(func() {
		for name, call := range service {
			require.Error(t, call(), name)
		}
		for name, call := range account {
			require.Error(t, call(), name)
		}
	})
	for _, call := range harmless {
		_ = call()
	}
	require.NotZero(t, h.status(ana).Frozen)
	d, err := h.SignIn(h.ctx, ana)
	refused(t, d, err, totpflow.ErrFrozen)

	phones := []string{"SendPhoneCode", "VerifyPhoneCode", "BeginPhone", "SendEnrollmentCode", "ConfirmPhone"} // see TestFrozenAndPhones
	requireEveryMethod(t, h.Service, service, append(phones, "Account", "Handle", "Disown", "NewDisownToken")...)
	requireEveryMethod(t, a, account, append(names(harmless), "RemovePhone")...)
}

func names[T any](m map[string]T) (all []string) {
	for name := range m {
		all = append(all, name)
	}
	return all
}

// requireEveryMethod asserts that a table has a line for each method of v, but
// for some: who adds a method adds a line.
func requireEveryMethod[T any](t *testing.T, v any, table map[string]T, but ...string) {
	t.Helper()
	var methods []string
	for i := range reflect.TypeOf(v).NumMethod() {
		methods = append(methods, reflect.TypeOf(v).Method(i).Name)
	}
	require.ElementsMatch(t, methods, append(names(table), but...))
}

// When a link is good.
func TestDisownEnds(t *testing.T) {
	for name, c := range map[string]struct {
		then func(h *house)
		is   error
	}{
		"at once":                    {func(*house) {}, nil},
		"within 72 hours":            {func(h *house) { h.clock.Advance(72*time.Hour - time.Millisecond) }, nil},
		"after 72 hours":             {func(h *house) { h.clock.Advance(72 * time.Hour) }, totpflow.ErrDisownToken},
		"by a clock a little behind": {func(h *house) { h.clock.Advance(-30 * time.Second) }, nil},
		"before it happened":         {func(h *house) { h.clock.Advance(-31 * time.Second) }, totpflow.ErrDisownToken},
		"a factor changed since": {func(h *house) {
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
		}, nil},
		"an administrator reset it since": {func(h *house) {
			h.clock.Advance(time.Minute)
			require.NoError(h.t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll))
		}, nil},
		"an administrator looked at it since, and unlocked": {func(h *house) {
			h.clock.Advance(time.Minute)
			h.disown(ana)
			require.NoError(h.t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
		}, totpflow.ErrDisownToken},
		"an administrator unlocked what was not frozen": {func(h *house) {
			h.clock.Advance(time.Minute)
			require.NoError(h.t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
		}, nil},
		"an administrator reset what was frozen": {func(h *house) {
			h.clock.Advance(time.Minute)
			h.disown(ana)
			require.NoError(h.t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll))
		}, totpflow.ErrDisownToken},
		"the account was erased": {func(h *house) {
			require.NoError(h.t, h.Admin(nil).Forget(h.ctx, ops, anaID))
		}, totpflow.ErrDisownToken},
		"the epoch of the ring was raised": {func(h *house) { h.raiseEpoch(); h.Service = h.open() }, totpflow.ErrDisownToken},
		"the ring got a new key":           {func(h *house) { h.rotateKeys(); h.Service = h.open() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.enroll(ana)
			link := h.NewDisownToken(h.told(event.EnrollmentConfirmed)[0])
			c.then(h)
			h.events.kinds()
			err := h.Disown(h.ctx, link)
			require.ErrorIs(t, err, c.is)
			require.Equal(t, err == nil, len(h.told(event.Frozen)) == 1)
		})
	}
}

// What an administrator does to end a freeze can itself be disowned: somebody may
// have talked them into it.
func TestDisownTheUnlocking(t *testing.T) {
	for kind, end := range map[event.Kind]func(h *house) error{
		event.Unlocked: func(h *house) error { return h.Admin(nil).Unlock(h.ctx, ops, anaID) },
		event.Reset:    func(h *house) error { return h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll) },
		event.AuthenticatorRestored: func(h *house) error {
			return h.Admin(nil).RestoreAuthenticator(h.ctx, ops, anaID, h.member(anaID).Recoverable[0].ID)
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			h.setUp(h.prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			h.disown(ana)
			h.clock.Advance(1234567 * time.Nanosecond)
			h.events.kinds()
			require.NoError(t, end(h))
			told := h.told(kind)
			require.Len(t, told, 1)
			require.NoError(t, h.Disown(h.ctx, h.NewDisownToken(told[0])))
			d, err := h.SignIn(h.ctx, ana)
			refused(t, d, err, totpflow.ErrFrozen)
		})
	}
}

// A link of somebody else's making is none.
func TestDisownForged(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	e := h.told(event.EnrollmentConfirmed)[0]
	link := h.NewDisownToken(e)
	other := newHouse(t)
	other.enroll(ana)
	foreign := h.open(func(c *totpflow.Config) { c.Audience = "another product" })
	text := func(of string) totpflow.DisownToken {
		return totpflow.DisownToken(h.sealed("totpflow/disown", []byte(of)))
	}
	h.unchanged(func() {
		for name, d := range map[string]totpflow.DisownToken{
			"nothing":           "",
			"garbage":           "garbage",
			"too long":          totpflow.DisownToken(strings.Repeat("A", 5000)),
			"a bit turned":      link[:len(link)-2] + totpflow.DisownToken([]byte{link[len(link)-2] ^ 1, link[len(link)-1]}),
			"cut":               link[:len(link)-4],
			"another ring":      other.NewDisownToken(e),
			"another audience":  foreign.NewDisownToken(e),
			"a challenge":       totpflow.DisownToken(h.ask(ana)),
			"no user":           text(`{"tenant":"acme","at":"2026-01-02T15:04:00Z"}`),
			"no time":           text(`{"tenant":"acme","user":"42"}`),
			"no JSON":           text(`x`),
			"an unknown person": h.NewDisownToken(event.Event{Tenant: "acme", User: "nobody", At: e.At}),
			"another tenant":    h.NewDisownToken(event.Event{Tenant: "globex", User: ana.ID.User, At: e.At}),
		} {
			require.ErrorIs(t, h.Disown(h.ctx, d), totpflow.ErrDisownToken, name)
		}
	})
	require.Empty(t, h.NewDisownToken(event.Event{Tenant: "acme", Kind: event.PolicySet, At: start}), "of a tenant")
	require.Equal(t, "[disown token]", fmt.Sprintf("%v", link))
	require.Equal(t, "[no disown token]", fmt.Sprintf("%x", totpflow.DisownToken("")))
	require.Equal(t, "[disown token]", link.LogValue().String())
	raw, err := base64.RawURLEncoding.DecodeString(string(link))
	require.NoError(t, err)
	require.NotContains(t, string(raw), ana.ID.User+`"`, "it says nothing to who sees it")
	require.NoError(t, h.Disown(h.ctx, link))
}
