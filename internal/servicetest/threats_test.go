package servicetest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// An attacker who has the ring and not the database forges no ticket: tickets are signed
// by a key in the record as well. The forger knows the format, may sign in as
// somebody else, and even as the victim up to the code.
func TestRingAloneForgesNoTicket(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	nobody := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "44"}} // has no record

	next, err := h.SignIn(h.Ctx, ben)
	require.NoError(t, err)
	of := func(ticket []byte) func([]byte) []byte { return func([]byte) []byte { return ticket[:32] } }
	format := engine.New(engine.Config{Keys: h.Ring(), Audience: "Acme Backup"})

	for name, tag := range map[string]func(text []byte) []byte{
		"zero tag":                    of(make([]byte, 32)),
		"tag of the victim's sign-in": of(h.Plain("totpflow/challenge", string(h.Challenge(ana)))),
		"tag of another account":      of(h.Plain("totpflow/proof", string(next.Proof))),
		"tag by the key of an account that has none": func(text []byte) []byte {
			none := hmac.New(sha256.New, make([]byte, 16))
			none.Write(text)
			return none.Sum(nil)
		},
	} {
		for _, u := range []totpflow.User{ana, nobody} {
			t.Run(name+"/"+u.ID.User, func(t *testing.T) {
				forge := func(kind string, a totpflow.Action) string {
					text, err := wire.Encode(&engine.Ticket{
						ID: "F", Kind: kind, Tenant: u.ID.Tenant, User: u.ID.User, Issued: h.Clock.Now(), Action: string(a), Reason: "code",
					})
					require.NoError(t, err)
					forged := h.Sealed(kind, append(bytes.Clone(tag(text)), text...))
					_, err = format.UnsealTicket(engine.Kind{Name: kind}, forged)
					require.NoError(t, err, "all of it is right but for the tag")
					return forged
				}
				challenge := func(a totpflow.Action) totpflow.Challenge {
					return totpflow.Challenge(forge("totpflow/challenge", a))
				}
				proof := func(a totpflow.Action) totpflow.Proof { return totpflow.Proof(forge("totpflow/proof", a)) }

				_, err := h.BeginEnrollment(h.Ctx, challenge(totpflow.ActionEnroll))
				require.ErrorIs(t, err, totpflow.ErrChallenge)
				for _, a := range []totpflow.Action{totpflow.ActionEnroll, totpflow.ActionReplaceAuthenticator, totpflow.ActionAddAuthenticator} {
					_, err = h.BeginEnrollment(h.Ctx, proof(a))
					require.ErrorIs(t, err, totpflow.ErrProof)
				}
				_, err = h.TrustBrowser(h.Ctx, proof(totpflow.ActionSignIn), "x")
				require.ErrorIs(t, err, totpflow.ErrProof)
				require.ErrorIs(t, servicetest.ErrorOf(h.Account(u).Disable(h.Ctx, proof(totpflow.ActionDisable))), totpflow.ErrProof)
				d, err := h.VerifyCode(h.Ctx, challenge(totpflow.ActionSignIn), phone.Peek())
				refused(t, d, err, totpflow.ErrChallenge)
				d, err = h.ContinueSignIn(h.Ctx, challenge(totpflow.ActionEnroll))
				refused(t, d, err, totpflow.ErrChallenge)
			})
		}
	}
}

// Tickets of a deleted account mean nothing to a new account under the same id.
func TestTicketsDoNotOutliveTheRecord(t *testing.T) {
	h := newHarness(t)
	_, _ = h.Enroll(ana)
	challenge := h.Challenge(ana)
	rec, err := h.Memory.Get(h.Ctx, ana.ID)
	require.NoError(t, err)
	require.NoError(t, h.Memory.Delete(h.Ctx, rec.ID, rec.Version))
	phone, _ := h.Enroll(ana)
	d, err := h.VerifyCode(h.Ctx, challenge, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
}

// A clock that jumps ahead and comes back revives nothing, and leaves nothing behind that
// lives longer than it should.
func TestClockJumps(t *testing.T) {
	there := map[string]time.Duration{"20 minutes": 20 * time.Minute, "a day": 24 * time.Hour, "a year": 365 * 24 * time.Hour}
	for name, jump := range there {
		t.Run("used proof/"+name, func(t *testing.T) {
			h := newHarness(t)
			phone, codes := h.Enroll(ana)
			proof := h.Prove(ana, "delete backup", phone)
			a := h.Account(ana)
			require.NoError(t, a.ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")))
			h.Clock.Advance(jump)
			_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), "0000-0000-0000-0000") // causes a write
			require.ErrorIs(t, err, totpflow.ErrRejected)
			h.Clock.Advance(-jump)
			require.ErrorIs(t, a.ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")), totpflow.ErrProof)

			_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
			require.NoError(t, err, "nor does it lock the owner out")
		})
		t.Run("ticket of a clock ahead/"+name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			h.Clock.Advance(jump)
			challenge := h.Challenge(ana)
			h.Clock.Advance(-jump + time.Hour) // it would be valid for the jump and ten minutes
			if jump < time.Hour {
				h.Clock.Advance(-time.Hour)
			}
			h.Clock.Advance(time.Minute)
			d, err := h.VerifyCode(h.Ctx, challenge, phone.Code())
			refused(t, d, err, totpflow.ErrChallenge)
		})
	}
	t.Run("clocks of two processes", func(t *testing.T) {
		h := newHarness(t)
		phone, _ := h.Enroll(ana)
		h.Clock.Advance(time.Minute)
		challenge := h.Challenge(ana)
		h.Clock.Advance(-20 * time.Second)
		_, err := h.VerifyCode(h.Ctx, challenge, phone.Code())
		require.NoError(t, err, "half a minute apart is still well")
	})
}

// A recovery code says that the phone is lost: grants that the phone earned before, and
// that are not used yet, end with it. The same is true of the proofs that recovery codes
// earned when those are replaced.
func TestLostFactorsEndWhatTheyEarned(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	thief := h.PassByCode(ana, phone).Proof
	under := h.Challenge(ana)
	next, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.Ctx, thief, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	d, err := h.VerifyCode(h.Ctx, under, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)

	h.NewRecoveryCodes(ana, phone)
	_, err = h.BeginEnrollment(h.Ctx, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "the old code's proof outlived its set")
}

// A host that takes the action from a form gives nobody more than a factor earned: a
// recovery code earns no trust, and no enrollment beside an active authenticator.
func TestReservedActions(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	proof, _, err := h.Account(ana).VerifyRecoveryCode(h.Ctx, totpflow.ActionSignIn.On(""), codes[0])
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.Ctx, proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionEnroll, phone))
	require.ErrorIs(t, err, totpflow.ErrProof)
}

// An unknown mode is treated as Required everywhere, even where something would be
// removed.
func TestUnknownModeIsRequired(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	odd := h.Open(withMode(policy.Mode(7)))
	next, err := odd.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}})
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)
	proof := h.Prove(ana, totpflow.ActionDisable, phone)
	require.ErrorIs(t, servicetest.ErrorOf(odd.Account(ana).Disable(h.Ctx, proof)), totpflow.ErrFactorRequired)
}

// A session without a factor cannot push the last changes out of sight.
func TestSavedIsSaidOnce(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	for range event.MaxChanges + 1 {
		require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx))
	}
	activity := h.Status(ana).Activity
	require.Equal(t, event.EnrollmentConfirmed, activity[1].Kind)
}

// However many factors are passed, the record stays small, and no proof serves
// twice.
func TestManySignInsDoNotFillTheRecord(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	h.Enroll(ana)
	var proofs []totpflow.Proof
	for range 500 {
		c := h.Challenge(ana)
		d, err := h.CompleteExternal(h.Ctx, c, h.external(c), ana.ID, nil)
		require.NoError(t, err)
		_, err = h.TrustBrowser(h.Ctx, d.Proof, "x")
		require.NoError(t, err)
		proofs = append(proofs, d.Proof)
		h.Clock.Advance(10 * time.Millisecond)
	}
	for _, p := range proofs {
		_, err := h.TrustBrowser(h.Ctx, p, "again")
		require.ErrorIs(t, err, totpflow.ErrProof)
	}
	rec, err := h.Memory.Get(h.Ctx, ana.ID)
	require.NoError(t, err)
	require.Less(t, len(rec.Sealed), 16<<10)
}

// A context that ends while a recovery code is derived reveals nothing about the code.
func TestRecoveryInterrupted(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	challenge := h.Challenge(ana)
	ctx, cancel := context.WithCancel(h.Ctx)
	s := h.Open(func(c *totpflow.Config) { c.Store = servicetest.ReadThen(h.Store, cancel) })
	d, err := s.VerifyRecoveryCode(ctx, challenge, codes[0])
	refused(t, d, err, store.ErrUnavailable)
	require.False(t, errors.Is(err, totpflow.ErrRejected))
	_, err = h.VerifyRecoveryCode(h.Ctx, challenge, codes[0])
	require.NoError(t, err)
}
