package totpflow_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/store"
)

// "It was not me" ends trust and changes no factor: browsers, sessions, sign-ins under
// way and an issued code end, and nobody gets in. Saying it again does nothing.
func TestDisown(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	told := h.EventsOf(event.BrowserTrusted)
	require.Len(t, told, 1)
	begun := h.Clock.Now()
	link := h.NewDisownToken(told[0])
	h.Events.Kinds()
	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, link)))
	frozen := h.EventsOf(event.Frozen)
	require.Len(t, frozen, 1)
	require.Equal(t, "browser_trusted", frozen[0].Reason)
	require.Empty(t, frozen[0].Actor)

	h.Unchanged(func() {
		require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, link)), "it may be clicked twice")
		require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(frozen[0]))))
		d, err := h.SignIn(h.Ctx, ana, token)
		refused(t, d, err, totpflow.ErrFrozen)
	})
	require.False(t, h.SessionStands(ana, h.Mark(ana)), "no session stands, whatever its mark")
	m := h.Member(anaID)
	require.Equal(t, admin.StateFrozen, m.State)
	require.Equal(t, begun, m.FrozenAt)
	require.Equal(t, 1, m.Authenticators)
	require.Equal(t, 10, m.RecoveryCodesLeft)
	require.Empty(t, m.Browsers)
	page, err := h.Admin(nil).ListPage(h.Ctx, ops, store.Query{Tenant: "acme", State: "frozen"})
	require.NoError(t, err)
	require.Len(t, page.Members, 1)
}

// Every call of a service and of an account, on a frozen account: none lets anybody in,
// none hands anything out, and calls that still write change no factor. The table names
// all calls, and each must be in it.
func TestFrozenRefusesEveryWayIn(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	spare := func() totpflow.Challenge { return h.Challenge(ana) }
	c, signed := spare(), h.PassByCode(ana, phone).Proof
	prove := func(a totpflow.Action) totpflow.Proof { return h.Prove(ana, a, phone) }
	replace, add, disable, renew, other, remove := prove(totpflow.ActionReplaceAuthenticator), prove(totpflow.ActionAddAuthenticator), prove(totpflow.ActionDisable),
		prove(totpflow.ActionRecoveryCodes), prove("x"), prove(totpflow.ActionRemoveAuthenticator)
	page, err := h.BeginEnrollment(h.Ctx, add)
	require.NoError(t, err)
	browser := h.Status(ana).Browsers[0].ID
	issued := h.IssueCode(anaID)
	check, of, err := h.BeginExternal(h.Ctx, c, "key")
	require.NoError(t, err)
	h.Freeze(ana)

	a := h.Account(ana)
	service := map[string]func() error{
		"SignIn":             func() error { return servicetest.ErrorOf(h.SignIn(h.Ctx, ana, token)) },
		"SignInMachine":      func() error { return servicetest.ErrorOf(h.SignInMachine(h.Ctx, ana, h.Mark(ana))) },
		"ContinueSignIn":     func() error { return servicetest.ErrorOf(h.ContinueSignIn(h.Ctx, c)) },
		"ReplaceAtSignIn":    func() error { return servicetest.ErrorOf(h.ReplaceAtSignIn(h.Ctx, c)) },
		"VerifyCode":         func() error { return servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, phone.Code())) },
		"VerifyPair":         func() error { x, y := phone.Pair(); return servicetest.ErrorOf(h.VerifyPair(h.Ctx, c, x, y)) },
		"VerifyRecoveryCode": func() error { return servicetest.ErrorOf(h.VerifyRecoveryCode(h.Ctx, c, codes[0])) },
		"VerifyIssuedCode":   func() error { return servicetest.ErrorOf(h.VerifyIssuedCode(h.Ctx, c, issued)) },
		"BeginExternal":      func() error { _, _, err := h.BeginExternal(h.Ctx, c, "key"); return err },
		"CompleteExternal": func() error {
			return servicetest.ErrorOf(h.CompleteExternal(h.Ctx, c, check, of, nil))
		},
		"TrustBrowser":       func() error { return servicetest.ErrorOf(h.TrustBrowser(h.Ctx, signed, "x")) },
		"BeginEnrollment":    func() error { return servicetest.ErrorOf(h.BeginEnrollment(h.Ctx, replace)) },
		"ContinueEnrollment": func() error { return servicetest.ErrorOf(h.ContinueEnrollment(h.Ctx, page.Token, add)) },
		"ConfirmEnrollment":  func() error { return servicetest.ErrorOf(h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())) },
	}
	account := map[string]func() error{
		"VerifyCode": func() error {
			return servicetest.ErrorOf(a.VerifyCode(h.Ctx, totpflow.Purpose{Action: "x"}, phone.Code()))
		},
		"VerifyPair": func() error {
			x, y := phone.Pair()
			return servicetest.ErrorOf(a.VerifyPair(h.Ctx, totpflow.Purpose{Action: "x"}, x, y))
		},
		"VerifyRecoveryCode": func() error {
			_, _, err := a.VerifyRecoveryCode(h.Ctx, totpflow.Purpose{Action: "x"}, codes[0])
			return err
		},
		"ConsumeProof":        func() error { return a.ConsumeProof(h.Ctx, other, totpflow.Action("x").On("")) },
		"Disable":             func() error { return servicetest.ErrorOf(a.Disable(h.Ctx, disable)) },
		"RemoveAuthenticator": func() error { return servicetest.ErrorOf(a.RemoveAuthenticator(h.Ctx, remove, "x")) },
		"NewRecoveryCodes":    func() error { _, _, err := a.NewRecoveryCodes(h.Ctx, renew); return err },
	}
	harmless := map[string]func() error{ // calls that read, and calls that end more trust
		"Status":              func() error { return servicetest.ErrorOf(a.Status(h.Ctx)) },
		"SessionValid":        func() error { return servicetest.ErrorOf(a.SessionValid(h.Ctx, h.Mark(ana))) },
		"RenameAuthenticator": func() error { return a.RenameAuthenticator(h.Ctx, h.Status(ana).Authenticators[0].ID, "Old phone") },
		"RecoveryCodesSaved":  func() error { return a.RecoveryCodesSaved(h.Ctx) },
		"RevokeBrowser":       func() error { return a.RevokeBrowser(h.Ctx, browser) },
		"RevokeBrowsers":      func() error { return a.RevokeBrowsers(h.Ctx) },
		"PasswordChanged":     func() error { return servicetest.ErrorOf(a.PasswordChanged(h.Ctx)) },
		"EndSessions":         func() error { return servicetest.ErrorOf(a.EndSessions(h.Ctx)) },
	}
	h.Unchanged(func() {
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
	require.NotZero(t, h.Status(ana).Frozen)
	d, err := h.SignIn(h.Ctx, ana)
	refused(t, d, err, totpflow.ErrFrozen)

	// The key of a machine is a way in as well.
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, agentID, "agent")))
	h.Freeze(agent)
	d, err = h.SignInMachine(h.Ctx, agent, h.Mark(agent))
	refused(t, d, err, totpflow.ErrFrozen)

	phones := []string{"SendPhoneCode", "VerifyPhoneCode", "BeginPhone", "SendEnrollmentCode", "ConfirmPhone"} // see TestFrozenAndPhones
	servicetest.RequireEveryMethod(t, h.Service, service, append(phones, "Account", "Handle", "Disown", "Disowned", "NewDisownToken", "Deliver", "Drain", "Ready")...)
	servicetest.RequireEveryMethod(t, a, account, append(servicetest.Names(harmless), "RemovePhone")...)
}

// When a link is valid.
func TestDisownEnds(t *testing.T) {
	for name, c := range map[string]struct {
		then func(h *harness)
		is   error
	}{
		"at once":                    {func(*harness) {}, nil},
		"within 72 hours":            {func(h *harness) { h.Clock.Advance(72*time.Hour - time.Millisecond) }, nil},
		"after 72 hours":             {func(h *harness) { h.Clock.Advance(72 * time.Hour) }, totpflow.ErrDisownToken},
		"by a clock a little behind": {func(h *harness) { h.Clock.Advance(-30 * time.Second) }, nil},
		"by a clock far behind":      {func(h *harness) { h.Clock.Advance(-31 * time.Second) }, nil},
		"a factor changed since": {func(h *harness) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
		}, nil},
		"an administrator reset it since": {func(h *harness) {
			h.Clock.Advance(time.Minute)
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
		}, nil},
		"an administrator looked at it since, and unlocked": {func(h *harness) {
			h.Clock.Advance(time.Minute)
			h.Freeze(ana)
			require.NoError(h.T, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
		}, totpflow.ErrDisownToken},
		"an administrator unlocked what was not frozen": {func(h *harness) {
			h.Clock.Advance(time.Minute)
			require.NoError(h.T, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
		}, nil},
		"an administrator reset what was frozen": {func(h *harness) {
			h.Clock.Advance(time.Minute)
			h.Freeze(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
		}, totpflow.ErrDisownToken},
		"the account was erased": {func(h *harness) {
			require.NoError(h.T, h.Admin(nil).Forget(h.Ctx, ops, anaID))
		}, totpflow.ErrDisownToken},
		"the epoch of the ring was raised": {func(h *harness) { h.RaiseEpoch(); h.Service = h.Open() }, totpflow.ErrDisownToken},
		"the ring got a new key":           {func(h *harness) { h.RotateKeys(); h.Service = h.Open() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.Enroll(ana)
			link := h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0])
			c.then(h)
			h.Events.Kinds()
			err := servicetest.ErrorOf(h.Disown(h.Ctx, link))
			require.ErrorIs(t, err, c.is)
			require.Equal(t, err == nil, len(h.EventsOf(event.Frozen)) == 1)
		})
	}
}

// The numbers of events begin again when an account was erased. A link of the former
// account's does not freeze the next one of the same id, as far as its record can tell.
func TestDisownOfTheErased(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	links := map[string]totpflow.DisownToken{"a number of both": h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0])}
	h.TrustBrowserOf(ana, phone)
	links["a later number"] = h.NewDisownToken(h.EventsOf(event.BrowserTrusted)[0])
	require.NoError(t, h.Admin(nil).Forget(h.Ctx, ops, anaID))
	h.Clock.Advance(time.Minute)
	h.Events.Kinds()
	h.Enroll(ana)
	for name, link := range links {
		require.ErrorIs(t, servicetest.ErrorOf(h.Disown(h.Ctx, link)), totpflow.ErrDisownToken, name)
	}
	own := h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0])
	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, own)))
}

// Only the time is known of an event that is in no record: one from before the last
// freeze ended freezes nothing, and neither does one from the future.
func TestDisownByTime(t *testing.T) {
	for name, at := range map[string]struct {
		time.Duration
		is error
	}{"before": {0, totpflow.ErrDisownToken}, "after": {2 * time.Minute, nil}, "of the future": {3 * time.Minute, totpflow.ErrDisownToken}} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.Enroll(ana)
			h.Clock.Advance(time.Minute)
			h.Freeze(ana)
			require.NoError(t, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
			h.Clock.Advance(time.Minute)
			link := h.NewDisownToken(event.Event{Tenant: ana.ID.Tenant, User: ana.ID.User, At: start.Add(at.Duration)})
			require.ErrorIs(t, servicetest.ErrorOf(h.Disown(h.Ctx, link)), at.is)
		})
	}
}

// A change by which an administrator ends a freeze can itself be disowned: somebody may
// have talked them into it.
func TestDisownTheUnlocking(t *testing.T) {
	for kind, end := range map[event.Kind]func(h *harness) error{
		event.Unlocked: func(h *harness) error { return h.Admin(nil).Unlock(h.Ctx, ops, anaID) },
		event.Reset: func(h *harness) error {
			return servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll))
		},
		event.AuthenticatorRestored: func(h *harness) error {
			return servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, h.Member(anaID).Recoverable[0].ID))
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			h.Freeze(ana)
			h.Clock.Advance(1234567 * time.Nanosecond)
			h.Events.Kinds()
			require.NoError(t, end(h))
			told := h.EventsOf(kind)
			require.Len(t, told, 1)
			require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(told[0]))))
			d, err := h.SignIn(h.Ctx, ana)
			refused(t, d, err, totpflow.ErrFrozen)
		})
	}
}

// A disownLink is the content of a disown token, in the same format.
type disownLink struct {
	tenant, user string
	at           time.Time
	number       uint64
	kind         string
}

func (l *disownLink) Fields(c *wire.Coder) {
	c.Text("tenant", &l.tenant, store.MaxID)
	c.Text("user", &l.user, store.MaxID)
	c.Millis("at", &l.at)
	wire.Number(c, "number", &l.number, 0, math.MaxUint64)
	c.Text("kind", &l.kind, 64)
}

// A mail keeps a sealed [totpflow.DisownToken] for days, and a rolling upgrade must still
// read it.
func TestGoldenDisownToken(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.UTC)
	link := disownLink{tenant: "acme", user: "42", at: at, number: 7, kind: string(event.BrowserTrusted)}
	require.Equal(t, link, wiretest.Golden(t, "testdata/disown", &link))
	wiretest.Strict(t, &link)
	wiretest.Strict(t, &disownLink{})
	wiretest.Documented(t, "freeze.go", &link)

	h := newHarness(t)
	e := event.Event{Tenant: "acme", User: "42", At: at, Number: 7, Kind: event.BrowserTrusted}
	require.Equal(t, wiretest.Write(t, &link), h.Plain("totpflow/disown", string(h.NewDisownToken(e))))
	got, err := h.Disowned(totpflow.DisownToken(h.Sealed("totpflow/disown", wiretest.Write(t, &link))))
	require.NoError(t, err)
	require.Equal(t, e, got)
}

// A link that somebody else made is refused.
func TestDisownForged(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	e := h.EventsOf(event.EnrollmentConfirmed)[0]
	good := h.NewDisownToken(e)
	other := newHarness(t)
	other.Enroll(ana)
	foreign := h.Open(func(c *totpflow.Config) { c.Audience = "another product" })
	written := func(of disownLink) totpflow.DisownToken {
		text, err := wire.Encode(&of)
		require.NoError(t, err)
		return totpflow.DisownToken(h.Sealed("totpflow/disown", text))
	}
	h.Unchanged(func() {
		for name, d := range map[string]totpflow.DisownToken{
			"nothing":           "",
			"garbage":           "garbage",
			"too long":          totpflow.DisownToken(strings.Repeat("A", 5000)),
			"a bit turned":      good[:len(good)-2] + totpflow.DisownToken([]byte{good[len(good)-2] ^ 1, good[len(good)-1]}),
			"cut":               good[:len(good)-4],
			"another ring":      other.NewDisownToken(e),
			"another audience":  foreign.NewDisownToken(e),
			"a challenge":       totpflow.DisownToken(h.Challenge(ana)),
			"no user":           written(disownLink{tenant: "acme", at: e.At}),
			"no time":           written(disownLink{tenant: "acme", user: "42"}),
			"another format":    totpflow.DisownToken(h.Sealed("totpflow/disown", []byte(`{"tenant":"acme","user":"42"}`))),
			"an unknown person": h.NewDisownToken(event.Event{Tenant: "acme", User: "nobody", At: e.At}),
			"another tenant":    h.NewDisownToken(event.Event{Tenant: "globex", User: ana.ID.User, At: e.At}),
		} {
			require.ErrorIs(t, servicetest.ErrorOf(h.Disown(h.Ctx, d)), totpflow.ErrDisownToken, name)
		}
	})
	require.Empty(t, h.NewDisownToken(event.Event{Tenant: "acme", Kind: event.PolicySet, At: start}), "of a tenant")
	require.Equal(t, "[disown token]", fmt.Sprintf("%v", good))
	require.Equal(t, "[no disown token]", fmt.Sprintf("%x", totpflow.DisownToken("")))
	require.Equal(t, "[disown token]", good.LogValue().String())
	raw, err := base64.RawURLEncoding.DecodeString(string(good))
	require.NoError(t, err)
	require.NotContains(t, string(raw), ana.ID.User+`"`, "it says nothing to who sees it")
	right := written(disownLink{tenant: e.Tenant, user: e.User, at: e.At, number: e.Number, kind: string(e.Kind)})
	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, right)), "the format is that of the links")
	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, good)))
}

// The page before the button says whose account it is and what was changed.
func TestDisowned(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	e := h.EventsOf(event.EnrollmentConfirmed)[0]
	got, err := h.Disowned(h.NewDisownToken(e))
	require.NoError(t, err)
	require.Equal(t, event.Event{Tenant: "acme", User: ana.ID.User, At: e.At, Number: e.Number, Kind: event.EnrollmentConfirmed}, got)
	for _, bad := range []totpflow.DisownToken{"", "x", totpflow.DisownToken(h.Challenge(ana))} {
		got, err = h.Disowned(bad)
		require.ErrorIs(t, err, totpflow.ErrDisownToken)
		require.Zero(t, got)
	}
}
