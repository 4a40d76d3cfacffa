package totpflow_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Who has the ring and not the database forges no ticket: tickets are signed by
// a key in the record as well. The forger knows the format, may sign in as
// somebody else, and even as the victim up to the code.
func TestRingAloneForgesNoTicket(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	nobody := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "44"}} // has no record

	tags := map[string][]byte{
		"no tag":                      {},
		"zero tag":                    make([]byte, 32),
		"tag of the victim's sign-in": h.opened("totpflow/challenge", string(h.ask(ana)))[:32],
	}
	next, err := h.SignIn(h.ctx, ben)
	require.NoError(t, err)
	tags["tag of another account"] = h.opened("totpflow/proof", string(next.Proof))[:32]

	for name, tag := range tags {
		for _, u := range []totpflow.User{ana, nobody} {
			t.Run(name+"/"+u.ID.User, func(t *testing.T) {
				forge := func(kind string, a totpflow.Action) string {
					return h.sealed(kind, append(bytes.Clone(tag), fmt.Appendf(nil,
						`{"id":"F","kind":%q,"tenant":%q,"user":%q,"issued":%q,"action":%q,"reason":"code"}`,
						kind, u.ID.Tenant, u.ID.User, h.clock.Now().Format(time.RFC3339), a)...))
				}
				challenge := func(a totpflow.Action) totpflow.Challenge {
					return totpflow.Challenge(forge("totpflow/challenge", a))
				}
				proof := func(a totpflow.Action) totpflow.Proof { return totpflow.Proof(forge("totpflow/proof", a)) }

				_, err := h.BeginEnrollment(h.ctx, challenge(totpflow.ActionEnroll))
				require.ErrorIs(t, err, totpflow.ErrChallenge)
				for _, a := range []totpflow.Action{totpflow.ActionEnroll, totpflow.ActionReplaceAuthenticator, totpflow.ActionAddAuthenticator} {
					_, err = h.BeginEnrollment(h.ctx, proof(a))
					require.ErrorIs(t, err, totpflow.ErrProof)
				}
				_, err = h.TrustBrowser(h.ctx, proof(totpflow.ActionSignIn), "x")
				require.ErrorIs(t, err, totpflow.ErrProof)
				require.ErrorIs(t, second(h.Account(u).Disable(h.ctx, proof(totpflow.ActionDisable))), totpflow.ErrProof)
				d, err := h.VerifyCode(h.ctx, challenge(totpflow.ActionSignIn), phone.Peek())
				refused(t, d, err, totpflow.ErrChallenge)
				d, err = h.ContinueSignIn(h.ctx, challenge(totpflow.ActionEnroll))
				refused(t, d, err, totpflow.ErrChallenge)
			})
		}
	}
}

// sealed and opened do with the ring what the service does.
func (h *house) sealed(kind string, plain []byte) string {
	keys, err := keyring.Parse(h.keys)
	require.NoError(h.t, err)
	return base64.RawURLEncoding.EncodeToString(keys.Seal(kind, plain, "Acme Backup", strconv.Itoa(int(keys.Epoch()))))
}

func (h *house) opened(kind, sealed string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	require.NoError(h.t, err)
	keys, err := keyring.Parse(h.keys)
	require.NoError(h.t, err)
	plain, err := keys.Open(kind, raw, "Acme Backup", strconv.Itoa(int(keys.Epoch())))
	require.NoError(h.t, err)
	return plain
}

// Tickets of a deleted account mean nothing to one made anew under its id.
func TestTicketsDoNotOutliveTheRecord(t *testing.T) {
	h := newHouse(t)
	_, _ = h.enroll(ana)
	challenge := h.ask(ana)
	rec, err := h.memory.Get(h.ctx, ana.ID)
	require.NoError(t, err)
	require.NoError(t, h.memory.Delete(h.ctx, rec.ID, rec.Version))
	phone, _ := h.enroll(ana)
	d, err := h.VerifyCode(h.ctx, challenge, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
}

// A clock that jumps ahead and comes back brings nothing back that was over,
// and leaves nothing behind that lives longer than it should.
func TestClockJumps(t *testing.T) {
	there := map[string]time.Duration{"20 minutes": 20 * time.Minute, "a day": 24 * time.Hour, "a year": 365 * 24 * time.Hour}
	for name, jump := range there {
		t.Run("used proof/"+name, func(t *testing.T) {
			h := newHouse(t)
			phone, codes := h.enroll(ana)
			proof := h.prove(ana, "delete backup", phone)
			a := h.Account(ana)
			require.NoError(t, a.ConsumeProof(h.ctx, proof, "delete backup"))
			h.clock.Advance(jump)
			_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), "0000-0000-0000-0000") // a write
			require.ErrorIs(t, err, totpflow.ErrRejected)
			h.clock.Advance(-jump)
			require.ErrorIs(t, a.ConsumeProof(h.ctx, proof, "delete backup"), totpflow.ErrProof)

			_, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
			require.NoError(t, err, "nor does it lock the owner out")
		})
		t.Run("ticket of a clock ahead/"+name, func(t *testing.T) {
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			h.clock.Advance(jump)
			challenge := h.ask(ana)
			h.clock.Advance(-jump + time.Hour) // it would be good for the jump and ten minutes
			if jump < time.Hour {
				h.clock.Advance(-time.Hour)
			}
			h.clock.Advance(time.Minute)
			d, err := h.VerifyCode(h.ctx, challenge, phone.Code())
			refused(t, d, err, totpflow.ErrChallenge)
		})
	}
	t.Run("clocks of two processes", func(t *testing.T) {
		h := newHouse(t)
		phone, _ := h.enroll(ana)
		h.clock.Advance(time.Minute)
		challenge := h.ask(ana)
		h.clock.Advance(-20 * time.Second)
		_, err := h.VerifyCode(h.ctx, challenge, phone.Code())
		require.NoError(t, err, "half a minute apart is still well")
	})
}

// A recovery code says that the phone is lost: what was earned by the phone
// before, and is not yet used, ends with it. So it is with the proofs that were
// earned by recovery codes, when those are replaced.
func TestLostFactorsEndWhatTheyEarned(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	thief := h.pass(ana, phone).Proof
	under := h.ask(ana)
	next, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.ctx, thief, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	d, err := h.VerifyCode(h.ctx, under, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)

	h.newCodes(ana, phone)
	_, err = h.BeginEnrollment(h.ctx, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "the old code's proof outlived its set")
}

// A host that takes the action from a form gives nobody more than a factor
// earned: no trust for a recovery code, no enrollment beside an active authenticator.
func TestReservedActions(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	proof, err := h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionSignIn, codes[0])
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.ctx, proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginEnrollment(h.ctx, h.prove(ana, totpflow.ActionEnroll, phone))
	require.ErrorIs(t, err, totpflow.ErrProof)
}

// What is no mode is Required everywhere, also where something is to go.
func TestUnknownModeIsRequired(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	odd := h.open(withMode(policy.Mode(7)))
	next, err := odd.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}})
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)
	proof := h.prove(ana, totpflow.ActionDisable, phone)
	require.ErrorIs(t, second(odd.Account(ana).Disable(h.ctx, proof)), totpflow.ErrFactorRequired)
}

// A session without a factor cannot push the last changes out of sight.
func TestSavedIsSaidOnce(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	for range event.MaxChanges + 1 {
		require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.ctx))
	}
	activity := h.status(ana).Activity
	require.Equal(t, event.EnrollmentConfirmed, activity[1].Kind)
}

// However many factors are passed, the record stays small, and no proof serves
// twice.
func TestManySignInsDoNotFillTheRecord(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	h.enroll(ana)
	right := func(context.Context) error { return nil }
	var proofs []totpflow.Proof
	for range 500 {
		d, err := h.VerifyExternal(h.ctx, h.ask(ana), "key", right)
		require.NoError(t, err)
		_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
		require.NoError(t, err)
		proofs = append(proofs, d.Proof)
		h.clock.Advance(10 * time.Millisecond)
	}
	for _, p := range proofs {
		_, err := h.TrustBrowser(h.ctx, p, "again")
		require.ErrorIs(t, err, totpflow.ErrProof)
	}
	rec, err := h.memory.Get(h.ctx, ana.ID)
	require.NoError(t, err)
	require.Less(t, len(rec.Sealed), 16<<10)
}

// A context that ends while a recovery code is derived says nothing of the code.
func TestRecoveryInterrupted(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	challenge := h.ask(ana)
	ctx, cancel := context.WithCancel(h.ctx)
	s := h.open(func(c *totpflow.Config) { c.Store = readThen{h.store, cancel} })
	d, err := s.VerifyRecoveryCode(ctx, challenge, codes[0])
	refused(t, d, err, store.ErrUnavailable)
	require.False(t, errors.Is(err, totpflow.ErrRejected))
	_, err = h.VerifyRecoveryCode(h.ctx, challenge, codes[0])
	require.NoError(t, err)
}

// A readThen calls then after each read.
type readThen struct {
	store.Store
	then func()
}

func (s readThen) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	defer s.then()
	return s.Store.Get(ctx, id)
}
