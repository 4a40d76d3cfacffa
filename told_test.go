package totpflow_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// A person of whom events are told: set up, a minute ago.
type told struct {
	*house
	phone *totptest.Authenticator
	codes []string
}

// What an operator and the person's mail are told of. Whoever is let in, and
// whatever changes who can be, is told (ASVS 6.3.7, 16.3.1; NIST SP 800-63B-4
// §4.6), and a refusal says more than the person at the keyboard hears.
var tellings = map[string]struct {
	does func(w told)
	want []string
}{
	"a code lets in, and how is said": {
		func(w told) { w.pass(ana, w.phone) },
		[]string{"signed_in method=code"},
	},
	"so does a trusted browser, and which": {
		func(w told) {
			token := w.trusted(ana, w.phone)
			w.events.kinds()
			_, err := w.SignIn(w.ctx, ana, token)
			require.NoError(w.t, err)
		},
		[]string{"signed_in method=trusted browser"},
	},
	"so does nothing at all": {
		func(w told) { _, _ = w.SignIn(w.ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}}) },
		[]string{"signed_in method=not enrolled"},
	},
	"a code that was used comes again: somebody saw it": {
		func(w told) {
			code := w.phone.Code()
			_, _ = w.VerifyCode(w.ctx, w.ask(ana), code)
			w.events.kinds()
			_, err := w.VerifyCode(w.ctx, w.ask(ana), code)
			require.ErrorIs(w.t, err, totpflow.ErrAlreadyUsed)
		},
		[]string{"code_replayed method=code"},
	},
	"what is no code": {
		func(w told) { _, _ = w.VerifyCode(w.ctx, w.ask(ana), "12345") },
		[]string{"code_malformed method=code"},
	},
	"what is no pair": {
		func(w told) { _, _ = w.VerifyPair(w.ctx, w.ask(ana), "12345", "1") },
		[]string{"code_malformed method=pair"},
	},
	"what is no recovery code": {
		func(w told) { _, _ = w.VerifyRecoveryCode(w.ctx, w.ask(ana), "12345") },
		[]string{"code_malformed method=recovery code"},
	},
	"a wrong pair": {
		func(w told) { _, _ = w.VerifyPair(w.ctx, w.ask(ana), w.phone.WrongCode(), w.phone.WrongCode()) },
		[]string{"code_rejected method=pair"},
	},
	"a refusal unseen says until when": {
		func(w told) {
			c := w.ask(ana)
			for range 5 {
				_, _ = w.VerifyCode(w.ctx, c, w.phone.WrongCode())
			}
			w.events.kinds()
			_, err := w.VerifyCode(w.ctx, c, w.phone.Code())
			require.ErrorIs(w.t, err, throttle.ErrThrottled)
		},
		[]string{"throttled method=code until=15:05:30"},
	},
	"a recovery code lets in, and how many are left": {
		func(w told) { _, _ = w.VerifyRecoveryCode(w.ctx, w.ask(ana), w.codes[0]) },
		[]string{"recovery_used remaining=9", "signed_in method=recovery code"},
	},
	"a recovery code that was used says so, but not to the person": {
		func(w told) {
			_, _ = w.VerifyRecoveryCode(w.ctx, w.ask(ana), w.codes[0])
			w.events.kinds()
			_, _ = w.VerifyRecoveryCode(w.ctx, w.ask(ana), w.codes[0])
		},
		[]string{"recovery_rejected reason=recovery: code rejected: already used"},
	},
	"a factor shown once more, and for what": {
		func(w told) { w.prove(ana, "delete backup", w.phone) },
		[]string{"reauthenticated method=code action=delete backup"},
	},
	"a new authenticator that ends the others": {
		func(w told) { w.setUp(w.prove(ana, totpflow.ActionReplaceAuthenticator, w.phone)) },
		[]string{
			"reauthenticated method=code action=replace authenticator", "enrollment_began",
			"recovery_codes_made remaining=10", "authenticators_replaced",
		},
	},
	"a wrong code of a new one": {
		func(w told) {
			page, err := w.BeginEnrollment(w.ctx, w.prove(ana, totpflow.ActionReplaceAuthenticator, w.phone))
			require.NoError(w.t, err)
			w.events.kinds()
			_, _ = w.ConfirmEnrollment(w.ctx, page.Token, w.phone.WrongCode())
		},
		[]string{"code_rejected method=confirmation reason=totp: code rejected"},
	},
	"another name": {
		func(w told) {
			_ = w.Account(ana).RenameAuthenticator(w.ctx, w.status(ana).Authenticators[0].ID, "Tablet")
		},
		[]string{"authenticator_renamed"},
	},
	"an authenticator that goes": {
		func(w told) {
			w.setUp(w.prove(ana, totpflow.ActionAddAuthenticator, w.phone))
			proof := w.prove(ana, totpflow.ActionRemoveAuthenticator, w.phone)
			w.events.kinds()
			require.NoError(w.t, second(w.Account(ana).RemoveAuthenticator(w.ctx, proof, w.status(ana).Authenticators[1].ID)))
		},
		[]string{"authenticator_removed"},
	},
	"a browser that is trusted, and no longer": {
		func(w told) {
			w.trusted(ana, w.phone)
			require.NoError(w.t, w.Account(ana).RevokeBrowser(w.ctx, w.status(ana).Browsers[0].ID))
		},
		[]string{"signed_in method=code", "browser_trusted", "browser_revoked"},
	},
	"all browsers": {
		func(w told) {
			w.trusted(ana, w.phone)
			w.events.kinds()
			require.NoError(w.t, w.Account(ana).RevokeBrowsers(w.ctx))
		},
		[]string{"browsers_revoked"},
	},
	"new recovery codes": {
		func(w told) { w.newCodes(ana, w.phone) },
		[]string{
			"reauthenticated method=code action=new recovery codes", "recovery_codes_made remaining=10",
		},
	},
	"that the codes are saved": {
		func(w told) { require.NoError(w.t, w.Account(ana).RecoveryCodesSaved(w.ctx)) },
		[]string{"recovery_codes_saved"},
	},
	"that the factor is off": {
		func(w told) {
			proof := w.prove(ana, totpflow.ActionDisable, w.phone)
			w.events.kinds()
			require.NoError(w.t, second(w.Account(ana).Disable(w.ctx, proof)))
		},
		[]string{"disabled"},
	},
	"that the password changed": {
		func(w told) { require.NoError(w.t, second(w.Account(ana).PasswordChanged(w.ctx))) },
		[]string{"password_changed"},
	},
	"that a record is lost": {
		func(w told) {
			_, err := w.SignIn(w.ctx, totpflow.User{ID: totpflow.AccountID{User: "gone"}, Generation: 1})
			require.ErrorIs(w.t, err, totpflow.ErrRecordLost)
		},
		[]string{"record_lost"},
	},
	"that this server's clock is behind": {
		func(w told) {
			w.clock.Advance(-time.Hour)
			_, err := w.VerifyCode(w.ctx, w.ask(ana), w.phone.Peek())
			require.ErrorIs(w.t, err, enroll.ErrClock)
		},
		[]string{"clock_behind"},
	},
	"an account that time does not open again": {
		func(w told) {
			s := w.open(func(c *totpflow.Config) { c.Strict = true })
			for range 1000 {
				c, err := s.SignIn(w.ctx, ana)
				require.NoError(w.t, err)
				if c.Throttled != nil {
					if c.Throttled.Until.IsZero() {
						break
					}
					w.clock.Set(c.Throttled.Until)
					continue
				}
				w.events.kinds()
				_, _ = s.VerifyCode(w.ctx, c.Challenge, w.phone.WrongCode())
			}
		},
		[]string{"code_rejected method=code", "suspended method=code"},
	},
}

func TestWhatIsTold(t *testing.T) {
	for sentence, c := range tellings {
		t.Run(sentence, func(t *testing.T) {
			h := newHouse(t)
			phone, codes := h.enroll(ana)
			h.clock.Advance(time.Minute)
			h.events.kinds()
			h.ctx = event.WithSource(h.ctx, event.Source{Address: "192.0.2.7", UserAgent: "curl"})
			c.does(told{h, phone, codes})
			var got []string
			for _, e := range h.events.got {
				require.Equal(t, event.Source{Address: "192.0.2.7", UserAgent: "curl"}, e.Source)
				require.NotEmpty(t, e.User)
				require.False(t, e.At.IsZero())
				got = append(got, said(e))
			}
			require.Equal(t, c.want, got)
		})
	}
}

// said writes an event as the table does: what is random is left out.
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
