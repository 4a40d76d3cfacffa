package totpflow_test

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

// A scene is a service with one person, to whose account something happens.
type scene struct {
	*harness
	app     *totptest.Authenticator // the person's factors; nil if there are none
	codes   []string
	mobile  provider
	session totpflow.SessionMark // begun before it happens
}

// An answer is what a call reports about the account as it is then; nil if it reports
// nothing.
type answer func(testing.TB) totpflow.Change

// A happening is what happens to an account with an authenticator, or with nothing.
type happening struct {
	app     bool
	happens func(s *scene) answer
}

const hasApp, hasNothing = true, false

func change(c totpflow.Change, err error) answer {
	return func(t testing.TB) totpflow.Change {
		t.Helper()
		require.NoError(t, err)
		return c
	}
}

// decided makes an answer from a call that decides.
func decided(d totpflow.Decision, err error) answer {
	return change(totpflow.Change{ID: ana.ID, Generation: d.Generation, Mark: d.Mark}, err)
}

func (s *scene) proof(a totpflow.Action) totpflow.Proof { return s.proofOn(a, "") }

func (s *scene) proofOn(a totpflow.Action, target string) totpflow.Proof {
	s.Clock.Advance(time.Minute)
	return s.ProveFor(ana, a.On(target), s.app)
}

func (s *scene) imports(row admin.Imported) (totpflow.Change, error) {
	outcomes, err := s.Admin(nil).Import(s.Ctx, ops, []admin.Imported{row})
	require.NoError(s.T, err)
	return outcomes[0].Change, outcomes[0].Err
}

func (s *scene) confirm(by totpflow.EnrollmentGrant) answer {
	page, err := s.BeginEnrollment(s.Ctx, by)
	require.NoError(s.T, err)
	app, err := totptest.ScanURI(page.Offer.URI(), s.Clock)
	require.NoError(s.T, err)
	done, err := s.ConfirmEnrollment(s.Ctx, page.Token, app.Code())
	return decided(done.Decision, err)
}

func (s *scene) confirmPhone(by totpflow.EnrollmentGrant, n phone.Number) answer {
	page, err := s.BeginPhone(s.Ctx, by, n)
	require.NoError(s.T, err)
	_, err = s.SendEnrollmentCode(s.Ctx, page.Token, phone.SMS)
	require.NoError(s.T, err)
	return decided(s.ConfirmPhone(s.Ctx, page.Token, s.mobile.Code()))
}

func (s *scene) signIn() totpflow.Decision {
	next, err := s.SignIn(s.Ctx, ana)
	require.NoError(s.T, err)
	return next
}

// The calls that end every session of an account: from then on it has another mark and a
// higher generation, and the call returns both.
var ends = map[string]happening{
	"the first authenticator": {hasNothing, func(s *scene) answer {
		return s.confirm(s.signIn().Proof)
	}},
	"the first phone": {hasNothing, func(s *scene) answer {
		return s.confirmPhone(s.signIn().Proof, mobile)
	}},
	"a replacement": {hasApp, func(s *scene) answer {
		return s.confirm(s.proof(totpflow.ActionReplaceAuthenticator))
	}},
	"a replacement after a recovery code": {hasApp, func(s *scene) answer {
		d, err := s.VerifyRecoveryCode(s.Ctx, s.Challenge(ana), s.codes[0])
		require.NoError(s.T, err)
		return s.confirm(d.Proof)
	}},
	"an authenticator removed": {hasApp, func(s *scene) answer {
		s.EnrollBy(s.proof(totpflow.ActionAddAuthenticator))
		id := s.Status(ana).Authenticators[1].ID
		return change(s.Account(ana).RemoveAuthenticator(s.Ctx, s.proofOn(totpflow.ActionRemoveAuthenticator, id), id))
	}},
	"a phone removed": {hasApp, func(s *scene) answer {
		s.confirmPhone(s.proof(totpflow.ActionAddPhone), mobile)(s.T)
		id := s.Status(ana).Phones[0].ID
		return change(s.Account(ana).RemovePhone(s.Ctx, s.proofOn(totpflow.ActionRemovePhone, id), id))
	}},
	"disabled": {hasApp, func(s *scene) answer {
		return change(s.Account(ana).Disable(s.Ctx, s.proof(totpflow.ActionDisable)))
	}},
	"an issued code": {hasApp, func(s *scene) answer {
		d, err := s.VerifyIssuedCode(s.Ctx, s.Challenge(ana), s.IssueCode(anaID))
		require.NoError(s.T, err)
		require.Empty(s.T, d.Mark, "nobody is in yet")
		d.Mark = s.Mark(ana)
		return decided(d, err)
	}},
	"a new password": {hasApp, func(s *scene) answer {
		return change(s.Account(ana).PasswordChanged(s.Ctx))
	}},
	"signed out everywhere": {hasApp, func(s *scene) answer {
		return change(s.Account(ana).EndSessions(s.Ctx))
	}},
	"it was not me": {hasApp, func(s *scene) answer {
		return change(s.Disown(s.Ctx, s.NewDisownToken(event.Event{Tenant: "acme", User: "42", At: s.Clock.Now()})))
	}},
	"reset": {hasApp, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeAll))
	}},
	"reset of authenticators": {hasApp, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeAuthenticators))
	}},
	"reset of many": {hasApp, func(s *scene) answer {
		outcomes, err := s.Admin(nil).ResetMany(s.Ctx, ops, "acme", []string{"42"}, admin.ScopeAll)
		require.NoError(s.T, err)
		return change(outcomes[0].Change, outcomes[0].Err)
	}},
	"restored": {hasApp, func(s *scene) answer {
		s.confirm(s.proof(totpflow.ActionReplaceAuthenticator))(s.T)
		s.session = s.Mark(ana) // setting up has ended others
		return change(s.Admin(nil).RestoreAuthenticator(s.Ctx, ops, anaID, s.Member(anaID).Recoverable[0].ID))
	}},
	"a number assigned": {hasApp, func(s *scene) answer {
		return change(s.Admin(nil).AssignPhone(s.Ctx, ops, anaID, mobile))
	}},
	"exempted": {hasApp, func(s *scene) answer {
		return change(s.Admin(nil).Exempt(s.Ctx, ops, anaID, "agent"))
	}},
	"the end of an exemption": {hasApp, func(s *scene) answer {
		require.NoError(s.T, servicetest.ErrorOf(s.Admin(nil).Exempt(s.Ctx, ops, anaID, "agent")))
		s.session = s.Mark(ana)
		return change(s.Admin(nil).EndExemption(s.Ctx, ops, anaID))
	}},
}

// Changes that look like one of those, and let sessions go on. If one raises the
// generation, the call reports that too.
var spares = map[string]happening{
	"the first record": {hasNothing, func(s *scene) answer {
		d := s.signIn()
		return decided(d, nil)
	}},
	"an import": {hasNothing, func(s *scene) answer {
		return change(s.imports(admin.Imported{ID: anaID, Key: rfcKey(s.T)}))
	}},
	"a sign-in": {hasApp, func(s *scene) answer { return decided(s.PassByCode(ana, s.app), nil) }},
	"an authenticator added": {hasApp, func(s *scene) answer {
		return s.confirm(s.proof(totpflow.ActionAddAuthenticator))
	}},
	"a phone added": {hasApp, func(s *scene) answer {
		return s.confirmPhone(s.proof(totpflow.ActionAddPhone), mobile)
	}},
	"a recovery code": {hasApp, func(s *scene) answer {
		return decided(s.VerifyRecoveryCode(s.Ctx, s.Challenge(ana), s.codes[0]))
	}},
	"new recovery codes": {hasApp, func(s *scene) answer {
		_, c, err := s.Account(ana).NewRecoveryCodes(s.Ctx, s.proof(totpflow.ActionRecoveryCodes))
		return change(c, err)
	}},
	"browsers revoked": {hasApp, func(s *scene) answer {
		s.TrustBrowserOf(ana, s.app)
		require.NoError(s.T, s.Account(ana).RevokeBrowsers(s.Ctx))
		return nil
	}},
	"reset of browsers": {hasApp, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeBrowsers))
	}},
	"reset of recovery codes": {hasApp, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.Ctx, ops, anaID, admin.ScopeRecoveryCodes))
	}},
	"a code issued": {hasApp, func(s *scene) answer { s.IssueCode(anaID); return nil }},
	"unlocked": {hasApp, func(s *scene) answer {
		require.NoError(s.T, s.Admin(nil).Unlock(s.Ctx, ops, anaID))
		return nil
	}},
	"a clock that went back": {hasApp, func(s *scene) answer {
		s.PassByCode(ana, s.app)
		s.Clock.Advance(time.Hour)
		s.PassByCode(ana, s.app)
		s.Clock.Advance(-time.Hour - time.Minute)
		s.signIn()
		return nil
	}},
	"another key of the ring": {hasApp, func(s *scene) answer {
		s.RotateKeys()
		s.Service = s.Open(withPhones(&s.mobile)...)
		require.NoError(s.T, s.Admin(nil).Reseal(s.Ctx, ops, "", nil))
		return nil
	}},
}

// play sets the scene for a row and makes it happen.
func play(t *testing.T, r happening) (s *scene, said *totpflow.Change, generation uint64) {
	s = new(scene)
	s.harness = newHarness(t, append(withPhones(&s.mobile), func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
	})...)
	if r.app {
		s.app, s.codes = s.Enroll(ana)
	}
	s.Clock.Advance(time.Hour)
	s.session, generation = s.Mark(ana), s.Status(ana).Generation
	require.True(t, s.SessionStands(ana, s.session))
	if c := r.happens(s); c != nil {
		changed := c(t)
		said = &changed
	}
	return s, said, generation
}

func TestSessionsEnd(t *testing.T) {
	for name, r := range ends {
		t.Run(name, func(t *testing.T) {
			s, said, before := play(t, r)
			st := s.Status(ana)
			require.False(t, s.SessionStands(ana, s.session))
			require.Greater(t, st.Generation, before)
			require.Equal(t, totpflow.Change{ID: ana.ID, Generation: st.Generation, Mark: st.Mark}, *said)
			if !st.Frozen.IsZero() {
				require.False(t, s.SessionStands(ana, said.Mark))
				require.NoError(t, s.Admin(nil).Unlock(s.Ctx, ops, anaID))
				require.False(t, s.SessionStands(ana, s.session), "also when the freeze has ended")
			}
			require.True(t, s.SessionStands(ana, said.Mark), "what is begun by the answer")
		})
	}
}

func TestSessionsGoOn(t *testing.T) {
	for name, r := range spares {
		t.Run(name, func(t *testing.T) {
			s, said, before := play(t, r)
			st := s.Status(ana)
			require.True(t, s.SessionStands(ana, s.session))
			require.Equal(t, s.session, st.Mark)
			if said == nil {
				require.Equal(t, before, st.Generation, "a call that raises the generation says it")
			} else {
				require.Equal(t, totpflow.Change{ID: ana.ID, Generation: st.Generation, Mark: st.Mark}, *said)
			}
		})
	}
}

// Each of these also ends the key of a machine, if it can happen to one.
func TestMachineKeyEnds(t *testing.T) {
	for _, name := range []string{"a new password", "signed out everywhere", "it was not me", "reset", "reset of authenticators", "the end of an exemption"} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			exempted, err := h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")
			require.NoError(t, err)
			d, err := h.SignInMachine(h.Ctx, ana, exempted.Mark)
			require.NoError(t, err)
			require.Equal(t, exempted.Mark, d.Mark)
			if name == "the end of an exemption" {
				require.NoError(t, servicetest.ErrorOf(h.Admin(nil).EndExemption(h.Ctx, ops, anaID)))
			} else {
				ends[name].happens(&scene{harness: h})(t)
			}
			require.NoError(t, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
			again, err := h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")
			if err != nil { // it still is one
				again = totpflow.Change{Mark: h.Mark(ana)}
			}
			d, err = h.SignInMachine(h.Ctx, ana, exempted.Mark)
			refused(t, d, err, totpflow.ErrKeyEnded)
			require.False(t, h.SessionStands(ana, exempted.Mark))
			for _, bad := range []totpflow.SessionMark{"", again.Mark + " ", totpflow.SessionMark(strings.Replace(string(again.Mark), "1.", "2.", 1))} {
				d, err = h.SignInMachine(h.Ctx, ana, bad)
				refused(t, d, err, totpflow.ErrKeyEnded)
			}
			_, err = h.SignInMachine(h.Ctx, ana, again.Mark)
			require.NoError(t, err)
		})
	}
}

// No time is compared: sessions end and begin whatever the clock does meanwhile. A clock
// that was ahead when sessions ended does not end later ones, and one that went back
// revives none.
func TestSessionsAndClocks(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, -2 * time.Second, 0, 40 * time.Second, time.Hour, days(1), days(366)} {
		t.Run(off.String(), func(t *testing.T) {
			h := newHarness(t)
			app, _ := h.Enroll(ana)
			h.Clock.Advance(days(1))
			right := h.Clock.Now()
			old := h.PassByCode(ana, app).Mark

			h.Clock.Set(right.Add(off)) // on the server whose clock is not right
			c, err := h.Account(ana).PasswordChanged(h.Ctx)
			require.NoError(t, err)
			require.True(t, h.SessionStands(ana, c.Mark), "the session that goes on")

			h.Clock.Set(right.Add(time.Minute))
			require.False(t, h.SessionStands(ana, old))
			require.True(t, h.SessionStands(ana, c.Mark))
			require.Equal(t, c.Mark, h.PassByCode(ana, app).Mark)
		})
	}
}

// A session follows its decision, however late it begins: a decision from before the
// password was changed begins no session after it.
func TestSessionOfAnEarlierDecision(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	h.Clock.Advance(time.Second) // the mail about it is slow
	c, err := h.Account(ana).PasswordChanged(h.Ctx)
	require.NoError(t, err)
	h.Clock.Advance(time.Second)
	require.False(t, h.SessionStands(ana, d.Mark))
	require.True(t, h.SessionStands(ana, c.Mark))
}

// Erasing an account revives no session that had ended: a session begun without a record
// has another mark than any that was ever recorded.
func TestForgetRevivesNoSession(t *testing.T) {
	h := newHarness(t)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	thief := h.PassByCode(ana, app).Mark
	c, err := h.Account(ana).PasswordChanged(h.Ctx)
	require.NoError(t, err)
	require.NoError(t, h.Admin(nil).Forget(h.Ctx, ops, anaID))
	require.False(t, h.SessionStands(ana, thief))
	require.False(t, h.SessionStands(ana, c.Mark))
}

// A mark belongs to the ring's epoch and has one spelling; the empty one is never valid.
func TestMarksThatAreNotValid(t *testing.T) {
	h := newHarness(t)
	bare := h.Mark(ana)
	require.Equal(t, totpflow.SessionMark("1.1.AAAAAAAAAAAAAAAAAAAAAA"), bare)
	require.True(t, h.SessionStands(ana, bare), "without a record")
	h.Enroll(ana)
	mark := h.Mark(ana)
	for _, bad := range []totpflow.SessionMark{"", bare, mark + "=", " " + mark, mark[2:], "2" + mark[1:], "1.01" + mark[3:], "1.2" + mark[3:]} {
		require.False(t, h.SessionStands(ana, bad), bad)
	}
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.Enroll(ben)
	require.False(t, h.SessionStands(ben, mark), "of another account")

	h.RaiseEpoch()
	h.Service = h.Open()
	require.False(t, h.SessionStands(ana, mark))
	again := h.Mark(ana)
	require.True(t, h.SessionStands(ana, again))
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, start, "", nil))
	require.True(t, h.SessionStands(ana, again), "a sweep that is begun again ends nobody's new session")
}

// A record that is older than the host remembers makes no session valid, and the error
// says so.
func TestSessionOfALostRecord(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	c, err := h.Account(ana).PasswordChanged(h.Ctx)
	require.NoError(t, err)
	u := ana
	u.Generation = c.Generation
	require.True(t, h.SessionStands(u, c.Mark))
	u.Generation++
	h.Events.Kinds()
	valid, err := h.Account(u).SessionValid(h.Ctx, c.Mark)
	require.ErrorIs(t, err, totpflow.ErrRecordLost)
	require.False(t, valid)
	require.Equal(t, []event.Kind{event.RecordLost}, h.Events.Kinds())
}

// A putting store calls a function before each write, which is within the account's
// turn.
type putting struct {
	store.Store
	before func()
}

func (p *putting) Put(ctx context.Context, rec store.Record, was store.Version) error {
	p.before()
	return p.Store.Put(ctx, rec, was)
}

// Whether a session is valid is asked at each request: the call does not queue behind the
// other calls of the account.
func TestSessionValidDoesNotQueue(t *testing.T) {
	h := newHarness(t)
	app, _ := h.Enroll(ana)
	mark := h.PassByCode(ana, app).Mark
	s := &putting{Store: h.Memory}
	h.Service = h.Open(func(c *totpflow.Config) { c.Store = s })
	asked := 0
	s.before = func() {
		ctx, cancel := context.WithTimeout(h.Ctx, time.Minute) // only a deadlock takes that long
		defer cancel()
		valid, err := h.Account(ana).SessionValid(ctx, mark)
		require.NoError(t, err)
		require.True(t, valid)
		require.NoError(t, servicetest.ErrorOf(h.Account(ana).Status(ctx)))
		asked++
	}
	h.PassByCode(ana, app)
	require.NotZero(t, asked)
}
