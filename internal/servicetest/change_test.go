package servicetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Every call that raises the generation returns it: a host that keeps the result notices
// if a record from before the call is put back. A call that returns none raises none.
func TestEveryRaiseIsTold(t *testing.T) {
	told := func(c totpflow.Change, err error) (uint64, error) { return c.Generation, err }
	none := func(err error) (uint64, error) { return 0, err }
	type set struct {
		*harness
		app    *totptest.Authenticator
		codes  []string
		second string // the id of another authenticator
	}
	prove := func(s *set, p totpflow.Purpose) totpflow.Proof { return s.ProveFor(ana, p, s.app) }
	account := map[string]func(s *set, a totpflow.Account) (uint64, error){
		"VerifyCode": func(s *set, a totpflow.Account) (uint64, error) {
			return none(servicetest.ErrorOf(a.VerifyCode(s.Ctx, totpflow.Action("x").On(""), s.app.Code())))
		},
		"VerifyPair": func(s *set, a totpflow.Account) (uint64, error) {
			x, y := s.app.Pair()
			return none(servicetest.ErrorOf(a.VerifyPair(s.Ctx, totpflow.Action("x").On(""), x, y)))
		},
		"VerifyRecoveryCode": func(s *set, a totpflow.Account) (uint64, error) {
			_, c, err := a.VerifyRecoveryCode(s.Ctx, totpflow.Action("x").On(""), s.codes[0])
			return told(c, err)
		},
		"ConsumeProof": func(s *set, a totpflow.Account) (uint64, error) {
			return none(a.ConsumeProof(s.Ctx, prove(s, totpflow.Action("x").On("")), totpflow.Action("x").On("")))
		},
		"Disable": func(s *set, a totpflow.Account) (uint64, error) {
			return told(a.Disable(s.Ctx, prove(s, totpflow.ActionDisable.On(""))))
		},
		"RemoveAuthenticator": func(s *set, a totpflow.Account) (uint64, error) {
			return told(a.RemoveAuthenticator(s.Ctx, prove(s, totpflow.ActionRemoveAuthenticator.On(s.second)), s.second))
		},
		"RenameAuthenticator": func(s *set, a totpflow.Account) (uint64, error) {
			return none(a.RenameAuthenticator(s.Ctx, s.second, "Tablet"))
		},
		"NewRecoveryCodes": func(s *set, a totpflow.Account) (uint64, error) {
			_, c, err := a.NewRecoveryCodes(s.Ctx, prove(s, totpflow.ActionRecoveryCodes.On("")))
			return told(c, err)
		},
		"RecoveryCodesSaved": func(s *set, a totpflow.Account) (uint64, error) { return none(a.RecoveryCodesSaved(s.Ctx)) },
		"RevokeBrowser": func(s *set, a totpflow.Account) (uint64, error) {
			s.TrustBrowserOf(ana, s.app)
			return none(a.RevokeBrowser(s.Ctx, s.Status(ana).Browsers[0].ID))
		},
		"RevokeBrowsers":  func(s *set, a totpflow.Account) (uint64, error) { return none(a.RevokeBrowsers(s.Ctx)) },
		"PasswordChanged": func(s *set, a totpflow.Account) (uint64, error) { return told(a.PasswordChanged(s.Ctx)) },
		"EndSessions":     func(s *set, a totpflow.Account) (uint64, error) { return told(a.EndSessions(s.Ctx)) },
		"SessionValid": func(s *set, a totpflow.Account) (uint64, error) {
			return none(servicetest.ErrorOf(a.SessionValid(s.Ctx, s.Mark(ana))))
		},
		"Status": func(s *set, a totpflow.Account) (uint64, error) {
			st, err := a.Status(s.Ctx)
			return st.Generation, err
		},
	}
	servicetest.RequireEveryMethod(t, totpflow.Account{}, account, "RemovePhone") // as RemoveAuthenticator
	others := map[string]func(s *set, a totpflow.Account) (uint64, error){
		"Service.VerifyRecoveryCode": func(s *set, _ totpflow.Account) (uint64, error) {
			d, err := s.VerifyRecoveryCode(s.Ctx, s.Challenge(ana), s.codes[0])
			return d.Generation, err
		},
		"Service.VerifyIssuedCode": func(s *set, _ totpflow.Account) (uint64, error) {
			d, err := s.VerifyIssuedCode(s.Ctx, s.Challenge(ana), s.IssueCode(anaID))
			return d.Generation, err
		},
		"Service.ConfirmEnrollment": func(s *set, _ totpflow.Account) (uint64, error) {
			page, err := s.BeginEnrollment(s.Ctx, prove(s, totpflow.ActionReplaceAuthenticator.On("")))
			require.NoError(s.T, err)
			next, err := totptest.ScanURI(page.Offer.URI(), s.Clock)
			require.NoError(s.T, err)
			d, err := s.ConfirmEnrollment(s.Ctx, page.Token, next.Code())
			return d.Generation, err
		},
		"Service.Disown": func(s *set, _ totpflow.Account) (uint64, error) {
			return told(s.Disown(s.Ctx, s.NewDisownToken(event.Event{Tenant: "acme", User: "42", At: s.Clock.Now(), Kind: event.BrowserTrusted})))
		},
		"Admin.Reset": func(s *set, _ totpflow.Account) (uint64, error) {
			return told(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeAll))
		},
		"Admin.Reset of browsers": func(s *set, _ totpflow.Account) (uint64, error) {
			return told(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeBrowsers))
		},
		"Admin.Reset of codes": func(s *set, _ totpflow.Account) (uint64, error) {
			return told(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeRecoveryCodes))
		},
		"Admin.ResetMany": func(s *set, _ totpflow.Account) (uint64, error) {
			o, err := s.Admin(nil).ResetMany(s.Ctx, ops, "acme", []string{"42"}, admin.ScopeAll)
			return o[0].Change.Generation, err
		},
		"Admin.Unlock": func(s *set, _ totpflow.Account) (uint64, error) { return none(s.Admin(nil).Unlock(s.Ctx, ops, anaID)) },
		"Admin.Exempt": func(s *set, _ totpflow.Account) (uint64, error) {
			return told(s.Admin(nil).Exempt(s.Ctx, ops, anaID, "agent"))
		},
		"Admin.EndExemption": func(s *set, _ totpflow.Account) (uint64, error) {
			require.NoError(s.T, servicetest.ErrorOf(s.Admin(nil).Exempt(s.Ctx, ops, anaID, "agent")))
			return told(s.Admin(nil).EndExemption(s.Ctx, ops, anaID))
		},
		"Admin.RestoreAuthenticator": func(s *set, _ totpflow.Account) (uint64, error) {
			s.EnrollBy(prove(s, totpflow.ActionReplaceAuthenticator.On("")))
			return told(s.Admin(nil).RestoreAuthenticator(s.Ctx, ops, anaID, s.Member(anaID).Recoverable[0].ID))
		},
		"Admin.AssignPhone": func(s *set, _ totpflow.Account) (uint64, error) {
			return told(s.Admin(nil).AssignPhone(s.Ctx, ops, anaID, mobile))
		},
		"Admin.IssueRecoveryCode": func(s *set, _ totpflow.Account) (uint64, error) { s.IssueCode(anaID); return 0, nil },
	}
	for name, call := range account {
		others["Account."+name] = call
	}
	for name, call := range others {
		t.Run(name, func(t *testing.T) {
			s := &set{harness: newHarness(t)}
			app, codes := s.Enroll(ana)
			s.app, s.codes = app, codes
			s.Clock.Advance(time.Minute)
			s.EnrollBy(s.Prove(ana, totpflow.ActionAddAuthenticator, app))
			s.second = s.Status(ana).Authenticators[1].ID
			s.Clock.Advance(time.Minute)
			before, err := s.Memory.Get(s.Ctx, anaID)
			require.NoError(t, err)
			was := s.Status(ana).Generation

			got, err := call(s, s.Account(ana))
			require.NoError(t, err)
			now := s.Status(ana).Generation
			if now == was {
				return
			}
			require.Equal(t, now, got)
			after, err := s.Memory.Get(s.Ctx, anaID)
			require.NoError(t, err)
			require.NoError(t, s.Memory.Delete(s.Ctx, anaID, after.Version))
			require.NoError(t, s.Memory.Put(s.Ctx, before, store.Version{}))
			d, err := s.SignIn(s.Ctx, totpflow.User{ID: anaID, Generation: got})
			refused(t, d, err, totpflow.ErrRecordLost)
		})
	}
}
