package totpflow

import (
	"context"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
)

// A SessionMark shows whether a session is still valid. The host keeps the mark of
// the decision that let the person in ([Decision].Mark) with the session, and asks
// [Account.SessionValid] at each request. A mark is text of under 64 bytes, safe in
// a cookie or a claim. It is not a secret: it opens nothing, and two people whose
// sessions were never ended have the same. The empty mark is never valid.
//
// A mark is not a time: a wrong clock cannot end a valid session or revive an ended one.
type SessionMark string

func markOf(e *engine.Engine, tx *engine.Tx) SessionMark { return SessionMark(e.SessionMark(tx)) }

// A Change is the state of an account after a call that raised its generation. The host
// stores the generation with its user ([User].Generation). A session that may go on after
// a call that ended all others needs the new mark and a new token: under the old token a
// thief's copy would stay valid too.
type Change struct {
	ID         AccountID
	Generation uint64
	Mark       SessionMark
}

func changeOf(e *engine.Engine, tx *engine.Tx) Change {
	return Change{ID: tx.ID(), Generation: tx.Generation, Mark: markOf(e, tx)}
}

// SessionValid reports whether a session with this mark is still valid: nothing has ended
// the account's sessions since, and where policy requires a factor there is one, or a
// grace period, which begins here if it has not begun. The library keeps no sessions and
// cannot end one: call SessionValid at each request. It reads the record from the primary
// and does not queue behind the account's other flows. Sessions that cannot be looked up,
// such as signed tokens, carry the mark as a claim; check it whenever the token is
// renewed, at least every five minutes.
//
// These calls end every session of the account: [Service.ConfirmEnrollment] and
// [Service.ConfirmPhone] of the first factor or of one that replaces others,
// [Account.RemoveAuthenticator], [Account.RemovePhone], [Account.Disable],
// [Service.VerifyIssuedCode], [Account.PasswordChanged], [Account.EndSessions],
// [Service.Disown], and by administrators a reset of authenticators, a restored
// authenticator, an assigned number, an exemption and its end. A ring whose
// epoch was raised (keyring.RaiseEpoch) ends the sessions of all accounts. After a record
// is deleted (admin.Admin.Forget) nothing is left to compare with: the host must delete
// the person's sessions first.
//
// A host that reads [Account.Status] anyway can compare the mark there and look at
// Frozen, GraceUntil and GraceBegins; if GraceBegins is set, call SessionValid once. The
// result is false with every error, among them [ErrRecordLost].
func (a Account) SessionValid(ctx context.Context, mark SessionMark) (_ bool, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.session_valid")
	defer flow.End(&err)
	var valid, bare bool
	look := func(tx *engine.Tx) error {
		valid = mark == markOf(a.service.engine, tx) && !tx.Frozen()
		bare = valid && !tx.HasFactor() && tx.Enrollment.State(tx.Now) != enroll.Exempted
		return nil
	}
	if err := a.look(ctx, look); err != nil || !bare {
		return engine.Acknowledged(valid, err)
	}
	// The policy is asked between two reads of the record, since it may be slow.
	p, err := a.service.engine.PolicyOf(ctx, a.user.ID)
	if err != nil || p.Mode != policy.Required {
		return engine.Acknowledged(valid, err)
	}
	err = a.look(ctx, func(tx *engine.Tx) error {
		if _ = look(tx); bare {
			valid = tx.BeginGrace(p)
		}
		return nil
	})
	return engine.Acknowledged(valid, err)
}

// EndSessions signs the person out everywhere. It ends all sessions, machine keys,
// sign-ins and enrollments under way, and trusted browsers; factors stay. It
// requires no proof: it only takes trust away.
func (a Account) EndSessions(ctx context.Context) (_ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.end_sessions")
	defer flow.End(&err)
	return a.changed(ctx, func(tx *engine.Tx) error {
		tx.EndSessions()
		tx.Log(event.Event{Kind: event.SessionsEnded})
		tx.Save()
		return nil
	})
}

// changed runs a flow of this account and returns its state afterwards.
func (a Account) changed(ctx context.Context, decide func(*engine.Tx) error) (Change, error) {
	var c Change
	err := a.change(ctx, func(tx *engine.Tx) error {
		if err := decide(tx); err != nil {
			return err
		}
		c = changeOf(a.service.engine, tx)
		return nil
	})
	return engine.Acknowledged(c, err)
}
