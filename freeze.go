package totpflow

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/store"
)

// A DisownToken is the "it was not me" of a mail about a change. It only takes trust
// away: anyone who has it can close the account but never open it. Printing it shows
// nothing; string(d) is the value.
type DisownToken string

const disownPurpose = "totpflow/disown"

// disowned is what a [DisownToken] is about. The token is base64url, without padding, of
// [keyring.Ring.Seal] for "totpflow/disown"; the associated data are the audience and the
// ring's epoch in decimal. Package wire defines the kinds of the fields:
//
//	format: number, 1
//	tenant: text, at most 190
//	user: text, at most 190
//	at: time in milliseconds
//	number: number
//	kind: text, at most 64
type disowned struct {
	Tenant string
	User   string
	At     time.Time
	Number uint64
	Kind   event.Kind
}

// Fields describes the token.
func (d *disowned) Fields(c *wire.Coder) {
	const maxKind = 64
	c.Text("tenant", &d.Tenant, store.MaxID)
	c.Text("user", &d.User, store.MaxID)
	c.Millis("at", &d.At)
	wire.Number(c, "number", &d.Number, 0, math.MaxUint64)
	c.Text("kind", (*string)(&d.Kind), maxKind)
}

// NewDisownToken makes the "it was not me" token for the mail about e, an event of a
// person's account. Put it in a link to a page with a button, and let only the button's
// POST call [Service.Disown]: programs that scan mail follow links. It is sealed
// by the ring alone, not by the account, so that it outlives the change that it
// is about: a thief who has the ring can freeze accounts with it. It is valid for
// [DisownTokenLifetime] from the time of the event, which may lie in the future where a
// clock was ahead, and until a freeze that came after the event has ended, or the account
// was erased. An account that begins again under the same id refuses it if its record shows
// by the number that the event was another's; a link that it cannot tell apart freezes it.
// It is empty for an event that nobody caused ([event.Kind.Disownable]), such as a
// reminder: leave the link out then.
func (s *Service) NewDisownToken(e event.Event) DisownToken {
	if e.User == "" || !e.Kind.Disownable() {
		return ""
	}
	plain, err := wire.Encode(&disowned{Tenant: e.Tenant, User: e.User, At: e.At, Number: e.Number, Kind: e.Kind})
	if err != nil { // not an event of this service
		return ""
	}
	return DisownToken(s.engine.Seal(disownPurpose, plain))
}

// Disowned returns the event that a token is about: whose account, what and when. It is
// for the page with the button, which shows them before anybody closes an account. It
// reads nothing from the store. Errors: [ErrDisownToken].
func (s *Service) Disowned(d DisownToken) (event.Event, error) {
	of, err := s.disowned(d)
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{Tenant: of.Tenant, User: of.User, At: of.At, Number: of.Number, Kind: of.Kind}, nil
}

// Disown freezes the account: sign-ins under way, browsers, sessions and an issued
// recovery code end, and nobody gets in ([ErrFrozen]) until an administrator restores
// an authenticator that was replaced in the last 72 hours, resets, or unlocks the
// account. It changes no factor. Freezing a frozen account does nothing. The change names
// the account: store its generation, since otherwise an attacker who puts back an older
// record opens the account. Errors: [ErrDisownToken].
func (s *Service) Disown(ctx context.Context, d DisownToken) (_ Change, err error) {
	ctx, flow := s.engine.Begin(ctx, "disown")
	defer flow.End(&err)
	of, err := s.disowned(d)
	if err != nil {
		return Change{}, err
	}
	a := s.Account(User{ID: AccountID{Tenant: of.Tenant, User: of.User}})
	return a.changed(ctx, func(tx *engine.Tx) error {
		switch {
		case tx.Now.Sub(of.At) >= DisownTokenLifetime, of.over(tx): // the end of a freeze can be disowned too: a thief may have talked an administrator into it
			return ErrDisownToken
		case !tx.Found, of.another(tx):
			return ErrDisownToken // erased meanwhile
		case tx.Frozen():
			return nil
		}
		tx.EndSessions()
		tx.Issued = account.Issued{} // the intruder may have asked for it
		tx.Suspect()
		tx.Freeze.At = tx.Now.Truncate(time.Millisecond)
		tx.Log(event.Event{Kind: event.Frozen, Reason: string(of.Kind)})
		tx.Save()
		return nil
	})
}

// over reports whether the event came before the end of the last freeze. It compares the
// event's number, so that the clock does not matter: a change that a thief made while a
// server's clock was ahead can be disowned, once. An event without a number was not
// written; for such an event only the time is known.
func (d *disowned) over(tx *engine.Tx) bool {
	if d.Number > 0 {
		return d.Number <= tx.Freeze.UpTo
	}
	return d.At.Before(tx.Freeze.Ended) || d.At.After(tx.Now.Add(skew.Tolerance))
}

// another reports whether the event is certainly that of an erased account with the same
// id: its number is that of another event, or was not reached yet. A number that the record
// does not keep proves nothing, and the link freezes.
func (d *disowned) another(tx *engine.Tx) bool {
	for _, e := range tx.Activity.Changes() {
		if e.Number == d.Number {
			return e.Kind != d.Kind || !e.At.Equal(d.At)
		}
	}
	return d.Number > tx.Activity.Last()
}

func (s *Service) disowned(d DisownToken) (of disowned, err error) {
	plain, err := s.engine.Unseal(disownPurpose, string(d))
	if err != nil || wire.Decode(plain, &of) != nil || of.User == "" {
		return disowned{}, ErrDisownToken
	}
	return of, nil
}

// Format implements [fmt.Formatter]: a reader of the log must not be able to close accounts.
func (d DisownToken) Format(f fmt.State, _ rune) { redact(f, "disown token", d == "") }

// LogValue implements [slog.LogValuer].
func (d DisownToken) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(d)) }

// unfrozen refuses a frozen account.
func unfrozen(tx *engine.Tx) error {
	if tx.Frozen() {
		tx.Log(event.Event{Kind: event.SignInRefused, Reason: "frozen"})
		return ErrFrozen
	}
	return nil
}
