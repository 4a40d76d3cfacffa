package event_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// words are in records and in hosts' logs, and so never change.
var words = map[event.Kind]string{
	event.Imported: "imported", event.Exempted: "exempted", event.ExemptionEnded: "exemption_ended",
	event.GraceBegan: "grace_began", event.GraceExtended: "grace_extended",
	event.RecoveryIssued: "recovery_issued", event.IssuedCodeUsed: "issued_code_used", event.RecoveryCodesVoided: "recovery_codes_voided",
	event.Frozen: "frozen", event.Unlocked: "unlocked", event.AuthenticatorRestored: "authenticator_restored", event.Forgotten: "forgotten",
	event.PolicySet: "policy_set", event.PolicyLowered: "policy_lowered", event.BulkReset: "bulk_reset",
	event.ApprovalRequested: "approval_asked", event.ApprovalGranted: "approval_given", event.ApprovalWithdrawn: "approval_withdrawn",
	event.PhoneAdded: "phone_added", event.PhoneRemoved: "phone_removed", event.PhoneAssigned: "phone_assigned",
	event.SetupReminded: "setup_reminded",
	event.KeysRotated:   "keys_rotated", event.EpochRaised: "epoch_raised",
}

func TestKinds(t *testing.T) {
	kinds := event.Kinds()
	require.Len(t, kinds, 52)
	seen := map[event.Kind]bool{}
	for _, k := range kinds {
		require.Regexp(t, regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`), string(k))
		require.LessOrEqual(t, len(k), 32)
		require.False(t, seen[k], "%s twice", k)
		require.False(t, k.Refusal() && k.SecurityChange(), k)
		seen[k] = true
	}
	kinds[0] = "spoilt"
	require.Equal(t, event.SignedIn, event.Kinds()[0])

	for kind, word := range words {
		require.Equal(t, word, string(kind))
		require.True(t, seen[kind], kind)
		require.True(t, kind.SecurityChange(), "%s is told to the person", kind)
	}
	require.False(t, event.SignedIn.SecurityChange())
	require.False(t, event.SignedIn.Refusal())
	require.True(t, event.CodeReplayed.Refusal())
	require.True(t, event.Reset.SecurityChange())
	require.True(t, event.Kind("passkey_bound").SecurityChange(), "what is not understood must not disappear among the attempts")
}

func TestSourceTravelsCleaned(t *testing.T) {
	ctx := context.Background()
	require.Zero(t, event.SourceOf(ctx))
	ctx = event.WithSource(ctx, event.Source{Address: "2001:db8::1", UserAgent: "Mozilla/5.0 (X11)\r\nSet-Cookie: a=b"})
	require.Equal(t, event.Source{Address: "2001:db8::1", UserAgent: "Mozilla/5.0 (X11)\ufffd\ufffdSet-Cookie: a=b"}, event.SourceOf(ctx))
	ctx = event.WithSource(ctx, event.Source{UserAgent: strings.Repeat("x", 1<<20)})
	require.Equal(t, event.Source{UserAgent: strings.Repeat("x", 192)}, event.SourceOf(ctx))
}

func TestCleanKeepsNamesApart(t *testing.T) {
	clean := func(user string) string { return event.Event{User: user}.Clean().User }
	for _, plain := range []string{"admin", "Zoë Müller", "用户", "o'brien+2fa@example.com", strings.Repeat("&", 190)} {
		require.Equal(t, plain, clean(plain))
	}
	for _, hostile := range []string{"ad\u202emin", "admin\u200b", "admin\n", "admin\x00", "\x1b[2Jadmin", "admin\xff", "\u2066admin"} {
		require.NotEqual(t, "admin", clean(hostile))
		require.Contains(t, clean(hostile), "\ufffd")
	}
}

// hostile is what an attacker can put into a header or a name.
var hostile = []string{
	"\x1b[31mred\x1b[0m", "line\nlevel=INFO msg=\"signed in\"", "cr\roverwritten", "\x00", "\x7f", "\u0085", "\u009b31m", "\u2028", "\u202eevil",
	"\u200b", "\ufeff", "\xff\xfe", "\x9b31m", "\x1b]0;title\x07", strings.Repeat("A", 100_000),
}

func TestLogsHoldNothingThatDoesNotPrint(t *testing.T) {
	for _, text := range hostile {
		e := event.Event{At: start, Tenant: text, User: text, Kind: event.Kind(text), Reason: text, Method: text, Authenticator: text, Browser: text,
			Actor: text, Action: text, Source: event.Source{Address: text, UserAgent: text}}
		var raw rawHandler
		event.Slog(slog.New(&raw)).Observe(context.Background(), e)
		slog.New(&raw).Info("by hand", "event", e)
		require.Greater(t, raw.values, 20)
		for _, value := range raw.seen {
			require.True(t, utf8.ValidString(value))
			require.LessOrEqual(t, len(value), 1200)
			for _, r := range value {
				require.True(t, unicode.IsPrint(r), "%q in %q", r, value)
			}
		}
	}
}

// rawHandler writes values unquoted, as a handler does that colours a terminal.
type rawHandler struct {
	seen   []string
	values int
}

func (h *rawHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *rawHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *rawHandler) WithGroup(string) slog.Handler            { return h }
func (h *rawHandler) Handle(_ context.Context, r slog.Record) error {
	h.seen = append(h.seen, r.Message)
	r.Attrs(func(a slog.Attr) bool { h.add(a); return true })
	return nil
}

func (h *rawHandler) add(a slog.Attr) {
	v := a.Value.Resolve()
	h.values++
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			h.add(inner)
		}
		return
	}
	h.seen = append(h.seen, a.Key, v.String())
}

func plain(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestSlogLevels(t *testing.T) {
	var out bytes.Buffer
	log := event.Slog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain})))
	for _, k := range append(event.Kinds(), event.NotificationDropped) {
		out.Reset()
		log.Observe(context.Background(), event.Event{Kind: k})
		want := "INFO"
		if k.Refusal() || k == event.RecordLost || k == event.Frozen || k == event.NotificationDropped {
			want = "WARN"
		}
		require.Contains(t, out.String(), "level="+want+` msg="second factor" kind=`+string(k))
	}
	out.Reset()
	log.Observe(context.Background(), event.Event{Kind: event.RecoveryUsed})
	require.Contains(t, out.String(), "remaining=0", "that none are left is the news")
}

// A log line has every field that is set and no other, each under its own name.
func TestLogHasWhatIsSet(t *testing.T) {
	at := time.Date(2026, time.March, 28, 12, 17, 11, 0, time.UTC)
	for want, e := range map[string]event.Event{
		"kind=reset": {Kind: event.Reset},
		"kind=reset number=7 at=2026-03-28T12:17:11.000Z tenant=acme user=u1 reason=lost method=totp authenticator=a1 browser=b1" +
			" actor=root action=reset_all remaining=3 until=2026-03-28T13:17:11.000Z address=192.0.2.1 user_agent=Mozilla/5.0": {
			Number: 7, At: at, Tenant: "acme", User: "u1", Kind: event.Reset, Reason: "lost", Method: "totp", Authenticator: "a1", Browser: "b1",
			Actor: "root", Action: "reset_all", Remaining: 3, Until: at.Add(time.Hour), Source: event.Source{Address: "192.0.2.1", UserAgent: "Mozilla/5.0"},
		},
	} {
		var out bytes.Buffer
		event.Slog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain}))).Observe(t.Context(), e)
		require.Equal(t, `level=INFO msg="second factor" `+want+"\n", out.String())
	}
}

func TestSlogDefault(t *testing.T) {
	was := slog.Default()
	defer slog.SetDefault(was)
	log := event.Slog(nil)
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil))) // set after the observer was made
	log.Observe(context.Background(), event.Event{Kind: event.Reset})
	require.Contains(t, out.String(), "kind=reset")
}

func FuzzClean(f *testing.F) {
	for _, s := range hostile[:len(hostile)-1] {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := event.Source{Address: s, UserAgent: s}.Clean()
		require.Equal(t, c, c.Clean())
		require.LessOrEqual(t, len(c.UserAgent), 192)
		require.LessOrEqual(t, len(c.Address), 64)
		for _, r := range c.UserAgent {
			require.True(t, unicode.IsPrint(r))
		}
	})
}

// A reminder or a grace period is not a change that somebody made, so its message has no
// link that closes the account. The message about every other change has one.
func TestDisownable(t *testing.T) {
	for _, k := range event.Kinds() {
		quiet := k == event.SetupReminded || k == event.GraceBegan || k == event.GraceExtended || k == event.PhoneAssigned
		require.Equal(t, k.Notable() && !quiet, k.Disownable(), k)
	}
}
