package servicetest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
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
		mobile provider
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
	decided := func(d totpflow.Decision, err error) (uint64, error) { return d.Generation, err }
	others := map[string]func(s *set, a totpflow.Account) (uint64, error){
		"Service.SignIn": func(s *set, _ totpflow.Account) (uint64, error) {
			return decided(s.SignIn(s.Ctx, ana, s.TrustBrowserOf(ana, s.app)))
		},
		"Service.ContinueSignIn": func(s *set, _ totpflow.Account) (uint64, error) {
			return decided(s.ContinueSignIn(s.Ctx, s.Challenge(ana), s.TrustBrowserOf(ana, s.app)))
		},
		"Service.VerifyCode": func(s *set, _ totpflow.Account) (uint64, error) {
			return decided(s.VerifyCode(s.Ctx, s.Challenge(ana), s.app.Code()))
		},
		"Service.VerifyPair": func(s *set, _ totpflow.Account) (uint64, error) {
			x, y := s.app.Pair()
			return decided(s.VerifyPair(s.Ctx, s.Challenge(ana), x, y))
		},
		"Service.ReplaceAtSignIn": func(s *set, _ totpflow.Account) (uint64, error) {
			return decided(s.ReplaceAtSignIn(s.Ctx, s.Challenge(ana)))
		},
		"Service.CompleteExternal": func(s *set, _ totpflow.Account) (uint64, error) {
			c := s.Challenge(ana)
			return decided(s.CompleteExternal(s.Ctx, c, s.external(c), anaID, nil))
		},
		"Service.ConfirmPhone": func(s *set, _ totpflow.Account) (uint64, error) {
			return decided(s.AddPhone(prove(s, totpflow.ActionAddPhone.On("")), mobile, &s.mobile), nil)
		},
		"Service.VerifyPhoneCode": func(s *set, _ totpflow.Account) (uint64, error) {
			s.AddPhone(prove(s, totpflow.ActionAddPhone.On("")), mobile, &s.mobile)
			c := s.Challenge(ana)
			require.NoError(s.T, servicetest.ErrorOf(s.SendPhoneCode(s.Ctx, c, s.Status(ana).Phones[0].ID, phone.SMS)))
			return decided(s.VerifyPhoneCode(s.Ctx, c, s.mobile.Code()))
		},
		"Service.TrustBrowser": func(s *set, _ totpflow.Account) (uint64, error) {
			return none(servicetest.ErrorOf(s.TrustBrowser(s.Ctx, s.PassByCode(ana, s.app).Proof, "x")))
		},
		"Service.SignInMachine": func(s *set, _ totpflow.Account) (uint64, error) {
			c, err := s.Admin(nil).Exempt(s.Ctx, ops, anaID, "agent")
			require.NoError(s.T, err)
			return decided(s.SignInMachine(s.Ctx, ana, c.Mark))
		},
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
		"Admin.RevokeBrowser": func(s *set, _ totpflow.Account) (uint64, error) {
			s.TrustBrowserOf(ana, s.app)
			return none(s.Admin(nil).RevokeBrowser(s.Ctx, ops, anaID, s.Status(ana).Browsers[0].ID))
		},
		"Admin.OpenWindow": func(s *set, _ totpflow.Account) (uint64, error) {
			actions, targets := []totpflow.Action{admin.ActionUnlockAccount}, []store.AccountID{{Tenant: "acme", User: "43"}}
			by := admin.Administrator{User: ana, Proof: prove(s, admin.WindowPurpose(actions, targets))}
			office := s.Admin(func(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return nil })
			require.NoError(s.T, servicetest.ErrorOf(office.OpenWindow(s.Ctx, by, actions, targets)))
			return none(office.CloseWindow(s.Ctx, ana))
		},
		"Admin.Reseal": func(s *set, _ totpflow.Account) (uint64, error) {
			s.RotateKeys()
			s.Service = s.Open()
			return none(s.Admin(nil).Reseal(s.Ctx, ops, "", nil))
		},
		"Admin.Tidy": func(s *set, _ totpflow.Account) (uint64, error) {
			s.Clock.Advance(days(4))
			return none(s.Admin(nil).Tidy(s.Ctx, ops, "", nil))
		},
		"Admin.IssueRecoveryCode": func(s *set, _ totpflow.Account) (uint64, error) { s.IssueCode(anaID); return 0, nil },
	}
	for name, call := range account {
		others["Account."+name] = call
	}
	requireEveryChange(t, servicetest.Names(others))
	for name, call := range others {
		t.Run(name, func(t *testing.T) {
			s := new(set)
			s.harness = newHarness(t, withPhones(&s.mobile, func(c *totpflow.Config) {
				c.Policy = policy.Fixed{Mode: policy.Optional, Methods: servicetest.EveryMethod | policy.External}
			})...)
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

// requireEveryChange asserts that each call that can change an account with factors is in
// the table of TestEveryRaiseIsTold, or in another test for a reason.
func requireEveryChange(t *testing.T, table []string) {
	t.Helper()
	elsewhere := map[string][]string{
		"Service": {
			"BeginEnrollment", "ContinueEnrollment", "BeginPhone", "SendEnrollmentCode", "SendPhoneCode", "BeginExternal", // before the others
			"Account", "Handle", "NewDisownToken", "Disowned", "Deliver", "Drain", "Ready", // change no account
		},
		"Admin": {
			"Import", "ExtendGrace", "Remind", "RemindDue", // for accounts without a factor
			"Forget", "AfterDatabaseRestore", // the host deletes, or raises the epoch
			"SetPolicy", "Approve", "Withdraw", "CloseWindow", // a tenant's record; what is approved is in the table; after OpenWindow
			"Status", "Member", "List", "ListPage", "Tally", "Tenant", "Check", "PreviewImport", "PreviewPolicy", "PreviewTidy", "Export", "SharedSecrets", "WindowRest",
		},
	}
	for prefix, v := range map[string]any{"Service": new(totpflow.Service), "Admin": admin.Admin{}} {
		rows := map[string]bool{}
		for _, name := range table {
			if call, ok := strings.CutPrefix(name, prefix+"."); ok && !strings.Contains(call, " ") {
				rows[call] = true
			}
		}
		servicetest.RequireEveryMethod(t, v, rows, elsewhere[prefix]...)
	}
}
