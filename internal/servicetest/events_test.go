package servicetest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// A person who enrolled a minute ago.
type enrolled struct {
	*harness
	phone *totptest.Authenticator
	codes []string
}

// Events that operators and the person are notified of. Every sign-in, and every change
// that affects who can sign in, is reported (ASVS 6.3.7, 16.3.1; NIST SP 800-63B-4 §4.6),
// and the event of a refusal says more than the person at the keyboard learns.
var tellings = map[string]struct {
	does func(w enrolled)
	want []string
}{
	"a code lets in, and how is said": {
		func(w enrolled) { w.PassByCode(ana, w.phone) },
		[]string{"signed_in method=code"},
	},
	"so does a trusted browser, and which": {
		func(w enrolled) {
			token := w.TrustBrowserOf(ana, w.phone)
			w.Events.Kinds()
			_, err := w.SignIn(w.Ctx, ana, token)
			require.NoError(w.T, err)
		},
		[]string{"signed_in method=trusted browser"},
	},
	"so does nothing at all": {
		func(w enrolled) { _, _ = w.SignIn(w.Ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}}) },
		[]string{"signed_in method=not enrolled"},
	},
	"a code that was used comes again: somebody saw it": {
		func(w enrolled) {
			code := w.phone.Code()
			_, _ = w.VerifyCode(w.Ctx, w.Challenge(ana), code)
			w.Events.Kinds()
			_, err := w.VerifyCode(w.Ctx, w.Challenge(ana), code)
			require.ErrorIs(w.T, err, totpflow.ErrAlreadyUsed)
		},
		[]string{"code_replayed method=code"},
	},
	"what is no code": {
		func(w enrolled) { _, _ = w.VerifyCode(w.Ctx, w.Challenge(ana), "12345") },
		[]string{"code_malformed method=code"},
	},
	"what is no pair": {
		func(w enrolled) { _, _ = w.VerifyPair(w.Ctx, w.Challenge(ana), "12345", "1") },
		[]string{"code_malformed method=pair"},
	},
	"what is no recovery code": {
		func(w enrolled) { _, _ = w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), "12345") },
		[]string{"code_malformed method=recovery code"},
	},
	"a wrong pair": {
		func(w enrolled) {
			_, _ = w.VerifyPair(w.Ctx, w.Challenge(ana), w.phone.WrongCode(), w.phone.WrongCode())
		},
		[]string{"code_rejected method=pair"},
	},
	"a refusal unseen says until when": {
		func(w enrolled) {
			c := w.Challenge(ana)
			for range 5 {
				_, _ = w.VerifyCode(w.Ctx, c, w.phone.WrongCode())
			}
			w.Events.Kinds()
			_, err := w.VerifyCode(w.Ctx, c, w.phone.Code())
			require.ErrorIs(w.T, err, throttle.ErrThrottled)
		},
		[]string{"throttled method=code until=15:05:30"},
	},
	"a recovery code lets in, and how many are left": {
		func(w enrolled) { _, _ = w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), w.codes[0]) },
		[]string{"recovery_used remaining=9", "signed_in method=recovery code"},
	},
	"a recovery code that was used says so, but not to the person": {
		func(w enrolled) {
			_, _ = w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), w.codes[0])
			w.Events.Kinds()
			_, _ = w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), w.codes[0])
		},
		[]string{"recovery_rejected reason=recovery: code rejected: already used"},
	},
	"a factor shown once more, and for what": {
		func(w enrolled) { w.Prove(ana, "delete backup", w.phone) },
		[]string{"reauthenticated method=code action=delete backup"},
	},
	"a new authenticator that ends the others": {
		func(w enrolled) { w.EnrollBy(w.Prove(ana, totpflow.ActionReplaceAuthenticator, w.phone)) },
		[]string{
			"reauthenticated method=code action=replace authenticator", "enrollment_began",
			"recovery_codes_made remaining=10", "authenticators_replaced",
		},
	},
	"a wrong code of a new one": {
		func(w enrolled) {
			page, err := w.BeginEnrollment(w.Ctx, w.Prove(ana, totpflow.ActionReplaceAuthenticator, w.phone))
			require.NoError(w.T, err)
			offered, err := totptest.ScanURI(page.Offer.URI(), w.Clock) // another key's wrong code may be this one's at some hour of the day
			require.NoError(w.T, err)
			w.Events.Kinds()
			_, _ = w.ConfirmEnrollment(w.Ctx, page.Token, offered.WrongCode())
		},
		[]string{"code_rejected method=confirmation reason=totp: code rejected"},
	},
	"another name": {
		func(w enrolled) {
			_ = w.Account(ana).RenameAuthenticator(w.Ctx, w.Status(ana).Authenticators[0].ID, "Tablet")
		},
		[]string{"authenticator_renamed"},
	},
	"an authenticator that goes": {
		func(w enrolled) {
			w.EnrollBy(w.Prove(ana, totpflow.ActionAddAuthenticator, w.phone))
			id := w.Status(ana).Authenticators[1].ID
			proof := w.ProveFor(ana, totpflow.ActionRemoveAuthenticator.On(id), w.phone)
			w.Events.Kinds()
			require.NoError(w.T, servicetest.ErrorOf(w.Account(ana).RemoveAuthenticator(w.Ctx, proof, id)))
		},
		[]string{"authenticator_removed"},
	},
	"a browser that is trusted, and no longer": {
		func(w enrolled) {
			w.TrustBrowserOf(ana, w.phone)
			require.NoError(w.T, w.Account(ana).RevokeBrowser(w.Ctx, w.Status(ana).Browsers[0].ID))
		},
		[]string{"signed_in method=code", "browser_trusted", "browser_revoked"},
	},
	"all browsers": {
		func(w enrolled) {
			w.TrustBrowserOf(ana, w.phone)
			w.Events.Kinds()
			require.NoError(w.T, w.Account(ana).RevokeBrowsers(w.Ctx))
		},
		[]string{"browsers_revoked"},
	},
	"new recovery codes": {
		func(w enrolled) { w.NewRecoveryCodes(ana, w.phone) },
		[]string{
			"reauthenticated method=code action=new recovery codes", "recovery_codes_made remaining=10",
		},
	},
	"that the codes are saved": {
		func(w enrolled) { require.NoError(w.T, w.Account(ana).RecoveryCodesSaved(w.Ctx)) },
		[]string{"recovery_codes_saved"},
	},
	"that the factor is off": {
		func(w enrolled) {
			proof := w.Prove(ana, totpflow.ActionDisable, w.phone)
			w.Events.Kinds()
			require.NoError(w.T, servicetest.ErrorOf(w.Account(ana).Disable(w.Ctx, proof)))
		},
		[]string{"disabled"},
	},
	"that the password changed": {
		func(w enrolled) { require.NoError(w.T, servicetest.ErrorOf(w.Account(ana).PasswordChanged(w.Ctx))) },
		[]string{"password_changed"},
	},
	"that a record is lost": {
		func(w enrolled) {
			_, err := w.SignIn(w.Ctx, totpflow.User{ID: totpflow.AccountID{User: "gone"}, Generation: 1})
			require.ErrorIs(w.T, err, totpflow.ErrRecordLost)
		},
		[]string{"record_lost"},
	},
	"that this server's clock is behind": {
		func(w enrolled) {
			w.Clock.Advance(-time.Hour)
			_, err := w.VerifyCode(w.Ctx, w.Challenge(ana), w.phone.Peek())
			require.ErrorIs(w.T, err, enroll.ErrClock)
		},
		[]string{"clock_behind"},
	},
	"an account that time does not open again": {
		func(w enrolled) {
			s := w.Open(func(c *totpflow.Config) { c.Strict = true })
			for range 1000 {
				c, err := s.SignIn(w.Ctx, ana)
				require.NoError(w.T, err)
				if c.Throttled != nil {
					if c.Throttled.Until.IsZero() {
						break
					}
					w.Clock.Set(c.Throttled.Until)
					continue
				}
				w.Events.Kinds()
				_, _ = s.VerifyCode(w.Ctx, c.Challenge, w.phone.WrongCode())
			}
		},
		[]string{"code_rejected method=code", "suspended method=code"},
	},
}

func TestWhatIsTold(t *testing.T) {
	for sentence, c := range tellings {
		t.Run(sentence, func(t *testing.T) {
			h := newHarness(t)
			phone, codes := h.Enroll(ana)
			h.Clock.Advance(time.Minute)
			h.Events.Kinds()
			h.Ctx = event.WithSource(h.Ctx, event.Source{Address: "192.0.2.7", UserAgent: "curl"})
			c.does(enrolled{h, phone, codes})
			var got []string
			for _, e := range h.Events.Got {
				require.Equal(t, event.Source{Address: "192.0.2.7", UserAgent: "curl"}, e.Source)
				require.NotEmpty(t, e.User)
				require.False(t, e.At.IsZero())
				got = append(got, said(e))
			}
			require.Equal(t, c.want, got)
		})
	}
}

// said writes an event as the table does: random values are left out.
func said(e event.Event) string {
	text := string(e.Kind)
	add := func(name, value string) {
		if value != "" {
			text += " " + name + "=" + value
		}
	}
	add("method", e.Method)
	add("action", e.Action)
	add("reason", e.Reason)
	if e.Remaining != 0 {
		add("remaining", strconv.Itoa(e.Remaining))
	}
	if !e.Until.IsZero() {
		add("until", e.Until.Format(time.TimeOnly))
	}
	return text
}
