package totpflow

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/store"
)

// A DisownToken is the "it was not me" of a mail about a change. It only takes trust
// away: who has it can close the account and never open it. Printing it shows
// nothing; string(d) is the value.
type DisownToken string

const disownPurpose = "totpflow/disown"

type disowned struct {
	Tenant string     `json:"tenant,omitempty"`
	User   string     `json:"user"`
	At     time.Time  `json:"at"`
	Kind   event.Kind `json:"kind"`
}

// NewDisownToken makes the "it was not me" for the mail about e, an event of a
// person. Put it in a link to a page with a button, and let only the button's
// POST call [Service.Disown]: programs that scan mail follow links. It is sealed
// by the ring alone, not by the account, so that it outlives the change that it
// is about: whoever steals the ring can freeze accounts with it.
func (s *Service) NewDisownToken(e event.Event) DisownToken {
	if e.User == "" {
		return ""
	}
	plain, err := json.Marshal(disowned{Tenant: e.Tenant, User: e.User, At: e.At, Kind: e.Kind})
	if err != nil { // unreachable: strings and a time of this century
		return ""
	}
	return DisownToken(s.engine.Seal(disownPurpose, plain))
}

// Disown freezes the account: sign-ins under way, browsers, sessions and an issued
// recovery code end, and nobody gets in ([ErrFrozen]) until an administrator restores an authenticator
// that was replaced in the last 72 hours, resets, or unlocks the account. No factor is
// changed by it. To freeze a frozen account does nothing. Errors: [ErrDisownToken].
func (s *Service) Disown(ctx context.Context, d DisownToken) error {
	of, err := s.disowned(d)
	if err != nil {
		return err
	}
	return s.engine.Change(ctx, store.AccountID{Tenant: of.Tenant, User: of.User}, func(tx *engine.Tx) error {
		age := tx.Now.Sub(of.At)
		switch {
		case age >= DisownTokenLifetime, age < -skew.Tolerance:
			return ErrDisownToken
		case of.At.Before(tx.Freeze.Ended): // what ended it may be disowned too: a thief can talk
			return ErrDisownToken
		case !tx.Found:
			return ErrDisownToken // erased meanwhile
		case tx.Frozen():
			return nil
		}
		tx.FactorsChanged(tx.Now)
		tx.Issued = account.Issued{} // who was not me may have asked for it
		tx.Suspect()
		tx.Freeze.At = tx.Now.Truncate(time.Millisecond)
		tx.Log(event.Event{Kind: event.Frozen, Reason: string(of.Kind)})
		tx.Save()
		return nil
	})
}

func (s *Service) disowned(d DisownToken) (of disowned, err error) {
	plain, err := s.engine.Unseal(disownPurpose, string(d))
	if err != nil || json.Unmarshal(plain, &of) != nil || of.User == "" {
		return disowned{}, ErrDisownToken
	}
	return of, nil
}

// Format implements [fmt.Formatter]: who reads a log shall not close accounts.
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
