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
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A scene is a house with one person, in whose account something happens.
type scene struct {
	*house
	app     *totptest.Authenticator // of what is set up, nil where nothing is
	codes   []string
	mobile  pigeon
	session totpflow.SessionMark // begun before it happens
}

// An answer is how a call says that the account then stands, nil when it does not.
type answer func(testing.TB) totpflow.Change

// A happening is what happens to an account with an authenticator, or with nothing.
type happening struct {
	enrolled bool
	happens  func(s *scene) answer
}

const enrolled, bare = true, false

func change(c totpflow.Change, err error) answer {
	return func(t testing.TB) totpflow.Change {
		t.Helper()
		require.NoError(t, err)
		return c
	}
}

// decided is the same of a call that decides.
func decided(d totpflow.Decision, err error) answer {
	return change(totpflow.Change{ID: ana.ID, Generation: d.Generation, Mark: d.Mark}, err)
}

func (s *scene) proof(a totpflow.Action) totpflow.Proof {
	s.clock.Advance(time.Minute)
	return s.prove(ana, a, s.app)
}

func (s *scene) imports(row admin.Imported) (totpflow.Change, error) {
	outcomes, err := s.Admin(nil).Import(s.ctx, ops, []admin.Imported{row})
	require.NoError(s.t, err)
	return outcomes[0].Change, outcomes[0].Err
}

func (s *scene) confirm(by totpflow.EnrollmentGrant) answer {
	page, err := s.BeginEnrollment(s.ctx, by)
	require.NoError(s.t, err)
	app, err := totptest.ScanURI(page.Offer.URI(), s.clock)
	require.NoError(s.t, err)
	done, err := s.ConfirmEnrollment(s.ctx, page.Token, app.Code())
	return decided(done.Decision, err)
}

func (s *scene) confirmPhone(by totpflow.EnrollmentGrant, n phone.Number) answer {
	page, err := s.BeginPhone(s.ctx, by, n)
	require.NoError(s.t, err)
	_, err = s.SendEnrollmentCode(s.ctx, page.Token, phone.SMS)
	require.NoError(s.t, err)
	return decided(s.ConfirmPhone(s.ctx, page.Token, s.mobile.code()))
}

func (s *scene) signIn() totpflow.Decision {
	next, err := s.SignIn(s.ctx, ana)
	require.NoError(s.t, err)
	return next
}

// The calls that end every session of an account: it has another mark and a higher
// generation from then on, and the call says both.
var ends = map[string]happening{
	"the first authenticator": {bare, func(s *scene) answer {
		return s.confirm(s.signIn().Proof)
	}},
	"the first phone": {bare, func(s *scene) answer {
		return s.confirmPhone(s.signIn().Proof, mobile)
	}},
	"a replacement": {enrolled, func(s *scene) answer {
		return s.confirm(s.proof(totpflow.ActionReplaceAuthenticator))
	}},
	"a replacement after a recovery code": {enrolled, func(s *scene) answer {
		d, err := s.VerifyRecoveryCode(s.ctx, s.ask(ana), s.codes[0])
		require.NoError(s.t, err)
		return s.confirm(d.Proof)
	}},
	"an authenticator removed": {enrolled, func(s *scene) answer {
		s.setUp(s.proof(totpflow.ActionAddAuthenticator))
		p := s.proof(totpflow.ActionRemoveAuthenticator)
		return change(s.Account(ana).RemoveAuthenticator(s.ctx, p, s.status(ana).Authenticators[1].ID))
	}},
	"a phone removed": {enrolled, func(s *scene) answer {
		s.confirmPhone(s.proof(totpflow.ActionAddPhone), mobile)(s.t)
		p := s.proof(totpflow.ActionRemovePhone)
		return change(s.Account(ana).RemovePhone(s.ctx, p, s.status(ana).Phones[0].ID))
	}},
	"disabled": {enrolled, func(s *scene) answer {
		return change(s.Account(ana).Disable(s.ctx, s.proof(totpflow.ActionDisable)))
	}},
	"an issued code": {enrolled, func(s *scene) answer {
		d, err := s.VerifyIssuedCode(s.ctx, s.ask(ana), s.issue(anaID))
		require.NoError(s.t, err)
		require.Empty(s.t, d.Mark, "nobody is in yet")
		d.Mark = s.mark(ana)
		return decided(d, err)
	}},
	"a new password": {enrolled, func(s *scene) answer {
		return change(s.Account(ana).PasswordChanged(s.ctx))
	}},
	"signed out everywhere": {enrolled, func(s *scene) answer {
		return change(s.Account(ana).EndSessions(s.ctx))
	}},
	"it was not me": {enrolled, func(s *scene) answer {
		return change(s.Disown(s.ctx, s.NewDisownToken(event.Event{Tenant: "acme", User: "42", At: s.clock.Now()})))
	}},
	"reset": {enrolled, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.ctx, ops, anaID, admin.ScopeAll))
	}},
	"reset of authenticators": {enrolled, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.ctx, ops, anaID, admin.ScopeAuthenticators))
	}},
	"reset of many": {enrolled, func(s *scene) answer {
		outcomes, err := s.Admin(nil).ResetMany(s.ctx, ops, "acme", []string{"42"}, admin.ScopeAll)
		require.NoError(s.t, err)
		return change(outcomes[0].Change, outcomes[0].Err)
	}},
	"restored": {enrolled, func(s *scene) answer {
		s.confirm(s.proof(totpflow.ActionReplaceAuthenticator))(s.t)
		return change(s.Admin(nil).RestoreAuthenticator(s.ctx, ops, anaID, s.member(anaID).Recoverable[0].ID))
	}},
	"a number assigned": {enrolled, func(s *scene) answer {
		return change(s.Admin(nil).AssignPhone(s.ctx, ops, anaID, mobile))
	}},
	"exempted": {enrolled, func(s *scene) answer {
		return change(s.Admin(nil).Exempt(s.ctx, ops, anaID, "agent"))
	}},
	"exempted by two": {enrolled, func(s *scene) answer {
		o := &office{house: s.house}
		o.boss, o.deputy = s.hire("acme", "boss"), s.hire("acme", "deputy")
		o.Service = s.open(append(withPhones(&s.mobile), func(c *totpflow.Config) {
			c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod, TwoAdministrators: true}
		})...)
		o.admin = o.Admin(letAll)
		require.ErrorIs(s.t, second(o.admin.Exempt(s.ctx, o.by(o.boss, admin.ActionExemptAccount), anaID, "agent")), admin.ErrApproval)
		outcomes, err := o.admin.Approve(s.ctx, o.by(o.deputy, admin.ActionApprove), "acme", o.pending("acme"))
		require.NoError(s.t, err)
		return change(outcomes[0].Change, outcomes[0].Err)
	}},
	"the end of an exemption": {enrolled, func(s *scene) answer {
		require.NoError(s.t, second(s.Admin(nil).Exempt(s.ctx, ops, anaID, "agent")))
		return change(s.Admin(nil).EndExemption(s.ctx, ops, anaID))
	}},
}

// What may have looked like one of those, and lets sessions go on. Where it raises
// the generation the call says so too.
var spares = map[string]happening{
	"the first record": {bare, func(s *scene) answer {
		d := s.signIn()
		return decided(d, nil)
	}},
	"an import": {bare, func(s *scene) answer {
		return change(s.imports(admin.Imported{ID: anaID, Key: rfcKey(s.t)}))
	}},
	"a sign-in": {enrolled, func(s *scene) answer { return decided(s.pass(ana, s.app), nil) }},
	"an authenticator added": {enrolled, func(s *scene) answer {
		return s.confirm(s.proof(totpflow.ActionAddAuthenticator))
	}},
	"a phone added": {enrolled, func(s *scene) answer {
		return s.confirmPhone(s.proof(totpflow.ActionAddPhone), mobile)
	}},
	"a recovery code": {enrolled, func(s *scene) answer {
		return decided(s.VerifyRecoveryCode(s.ctx, s.ask(ana), s.codes[0]))
	}},
	"new recovery codes": {enrolled, func(s *scene) answer {
		_, c, err := s.Account(ana).NewRecoveryCodes(s.ctx, s.proof(totpflow.ActionRecoveryCodes))
		return change(c, err)
	}},
	"browsers revoked": {enrolled, func(s *scene) answer {
		s.trusted(ana, s.app)
		require.NoError(s.t, s.Account(ana).RevokeBrowsers(s.ctx))
		return nil
	}},
	"reset of browsers": {enrolled, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.ctx, ops, anaID, admin.ScopeBrowsers))
	}},
	"reset of recovery codes": {enrolled, func(s *scene) answer {
		return change(s.Admin(nil).Reset(s.ctx, ops, anaID, admin.ScopeRecoveryCodes))
	}},
	"a code issued": {enrolled, func(s *scene) answer { s.issue(anaID); return nil }},
	"unlocked": {enrolled, func(s *scene) answer {
		require.NoError(s.t, s.Admin(nil).Unlock(s.ctx, ops, anaID))
		return nil
	}},
	"a clock that went back": {enrolled, func(s *scene) answer {
		s.pass(ana, s.app)
		s.clock.Advance(time.Hour)
		s.pass(ana, s.app)
		s.clock.Advance(-time.Hour - time.Minute)
		s.signIn()
		return nil
	}},
	"another key of the ring": {enrolled, func(s *scene) answer {
		s.rotateKeys()
		s.Service = s.open(withPhones(&s.mobile)...)
		require.NoError(s.t, s.Admin(nil).Reseal(s.ctx, ops, "", nil))
		return nil
	}},
}

// play sets the scene for a row and has it happen.
func play(t *testing.T, r happening) (s *scene, said *totpflow.Change, generation uint64) {
	s = new(scene)
	s.house = newHouse(t, append(withPhones(&s.mobile), func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
	})...)
	if r.enrolled {
		s.app, s.codes = s.enroll(ana)
	}
	s.clock.Advance(time.Hour)
	s.session, generation = s.mark(ana), s.status(ana).Generation
	require.True(t, s.valid(ana, s.session))
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
			st := s.status(ana)
			require.False(t, s.valid(ana, s.session))
			require.Greater(t, st.Generation, before)
			require.Equal(t, totpflow.Change{ID: ana.ID, Generation: st.Generation, Mark: st.Mark}, *said)
			if !st.Frozen.IsZero() {
				require.False(t, s.valid(ana, said.Mark))
				require.NoError(t, s.Admin(nil).Unlock(s.ctx, ops, anaID))
				require.False(t, s.valid(ana, s.session), "also when the freeze has ended")
			}
			require.True(t, s.valid(ana, said.Mark), "what is begun by the answer")
		})
	}
}

func TestSessionsGoOn(t *testing.T) {
	for name, r := range spares {
		t.Run(name, func(t *testing.T) {
			s, said, before := play(t, r)
			st := s.status(ana)
			require.True(t, s.valid(ana, s.session))
			require.Equal(t, s.session, st.Mark)
			if said == nil {
				require.Equal(t, before, st.Generation, "a call that raises the generation says it")
			} else {
				require.Equal(t, totpflow.Change{ID: ana.ID, Generation: st.Generation, Mark: st.Mark}, *said)
			}
		})
	}
}

// Each of these ends the key of a machine as well, where it can happen to one.
func TestMachineKeyEnds(t *testing.T) {
	for _, name := range []string{"a new password", "signed out everywhere", "it was not me", "reset", "reset of authenticators", "the end of an exemption"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			exempted, err := h.Admin(nil).Exempt(h.ctx, ops, anaID, "agent")
			require.NoError(t, err)
			d, err := h.SignInMachine(h.ctx, ana, exempted.Mark)
			require.NoError(t, err)
			require.Equal(t, exempted.Mark, d.Mark)
			if name == "the end of an exemption" {
				require.NoError(t, second(h.Admin(nil).EndExemption(h.ctx, ops, anaID)))
			} else {
				ends[name].happens(&scene{house: h})(t)
			}
			require.NoError(t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
			again, err := h.Admin(nil).Exempt(h.ctx, ops, anaID, "agent")
			if err != nil { // it still is one
				again = totpflow.Change{Mark: h.mark(ana)}
			}
			d, err = h.SignInMachine(h.ctx, ana, exempted.Mark)
			refused(t, d, err, totpflow.ErrKeyEnded)
			require.False(t, h.valid(ana, exempted.Mark))
			for _, bad := range []totpflow.SessionMark{"", again.Mark + " ", totpflow.SessionMark(strings.Replace(string(again.Mark), "1.", "2.", 1))} {
				d, err = h.SignInMachine(h.ctx, ana, bad)
				refused(t, d, err, totpflow.ErrKeyEnded)
			}
			_, err = h.SignInMachine(h.ctx, ana, again.Mark)
			require.NoError(t, err)
		})
	}
}

// No time is compared: sessions end and begin whatever the clock does meanwhile. A
// clock that was ahead when something ended them ends no later session, and one that
// went back revives none.
func TestSessionsAndClocks(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, -2 * time.Second, 0, 40 * time.Second, time.Hour, days(1), days(366)} {
		t.Run(off.String(), func(t *testing.T) {
			h := newHouse(t)
			app, _ := h.enroll(ana)
			h.clock.Advance(days(1))
			right := h.clock.Now()
			old := h.pass(ana, app).Mark

			h.clock.Set(right.Add(off)) // on the server whose clock is not right
			c, err := h.Account(ana).PasswordChanged(h.ctx)
			require.NoError(t, err)
			require.True(t, h.valid(ana, c.Mark), "the session that goes on")

			h.clock.Set(right.Add(time.Minute))
			require.False(t, h.valid(ana, old))
			require.True(t, h.valid(ana, c.Mark))
			require.Equal(t, c.Mark, h.pass(ana, app).Mark)
		})
	}
}

// A session follows its decision, however late: one that was made before the password
// was changed begins no session after it.
func TestSessionOfAnEarlierDecision(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	h.clock.Advance(time.Hour)
	d, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	h.clock.Advance(time.Second) // the mail about it is slow
	c, err := h.Account(ana).PasswordChanged(h.ctx)
	require.NoError(t, err)
	h.clock.Advance(time.Second)
	require.False(t, h.valid(ana, d.Mark))
	require.True(t, h.valid(ana, c.Mark))
}

// Erasing an account brings no session back that had ended: what is begun with
// nothing on record has another mark than what was ever set up.
func TestForgetRevivesNoSession(t *testing.T) {
	h := newHouse(t)
	app, _ := h.enroll(ana)
	h.clock.Advance(time.Hour)
	thief := h.pass(ana, app).Mark
	c, err := h.Account(ana).PasswordChanged(h.ctx)
	require.NoError(t, err)
	require.NoError(t, h.Admin(nil).Forget(h.ctx, ops, anaID))
	require.False(t, h.valid(ana, thief))
	require.False(t, h.valid(ana, c.Mark))
}

// A mark is of the ring's epoch and has one spelling; the empty one is never valid.
func TestMarksThatAreNotValid(t *testing.T) {
	h := newHouse(t)
	bare := h.mark(ana)
	require.Equal(t, totpflow.SessionMark("1.1.AAAAAAAAAAAAAAAAAAAAAA"), bare)
	require.True(t, h.valid(ana, bare), "without a record")
	h.enroll(ana)
	mark := h.mark(ana)
	for _, bad := range []totpflow.SessionMark{"", bare, mark + "=", " " + mark, mark[2:], "2" + mark[1:], "1.01" + mark[3:], "1.2" + mark[3:]} {
		require.False(t, h.valid(ana, bad), bad)
	}
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.enroll(ben)
	require.False(t, h.valid(ben, mark), "of another account")

	h.raiseEpoch()
	h.Service = h.open()
	require.False(t, h.valid(ana, mark))
	again := h.mark(ana)
	require.True(t, h.valid(ana, again))
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.ctx, ops, start, "", nil))
	require.True(t, h.valid(ana, again), "a sweep that is begun again ends nobody's new session")
}

// A record that is older than the host remembers makes no session valid, and says so.
func TestSessionOfALostRecord(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	c, err := h.Account(ana).PasswordChanged(h.ctx)
	require.NoError(t, err)
	u := ana
	u.Generation = c.Generation
	require.True(t, h.valid(u, c.Mark))
	u.Generation++
	h.events.kinds()
	valid, err := h.Account(u).SessionValid(h.ctx, c.Mark)
	require.ErrorIs(t, err, totpflow.ErrRecordLost)
	require.False(t, valid)
	require.Equal(t, []event.Kind{event.RecordLost}, h.events.kinds())
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

// Whether a session stands is asked at each request: it does not queue behind what
// the account is doing.
func TestSessionValidDoesNotQueue(t *testing.T) {
	h := newHouse(t)
	app, _ := h.enroll(ana)
	mark := h.pass(ana, app).Mark
	s := &putting{Store: h.memory}
	h.Service = h.open(func(c *totpflow.Config) { c.Store = s })
	asked := 0
	s.before = func() {
		ctx, cancel := context.WithTimeout(h.ctx, time.Minute) // which only a deadlock takes
		defer cancel()
		valid, err := h.Account(ana).SessionValid(ctx, mark)
		require.NoError(t, err)
		require.True(t, valid)
		require.NoError(t, second(h.Account(ana).Status(ctx)))
		asked++
	}
	h.pass(ana, app)
	require.NotZero(t, asked)
}
