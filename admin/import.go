package admin

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// An Imported is an authenticator that a person already uses with another system. Its key
// comes from totp.ReadURI or totp.ReadSecret.
type Imported struct {
	ID   store.AccountID
	Name string   // the name of the authenticator; the default is "Authenticator"
	Key  totp.Key // prints nothing

	// WeakUntil is when a weak key (totp.Key.Weak) ends, 90 days away at most; zero
	// refuses it with enroll.ErrWeak. For other keys it does not matter.
	WeakUntil time.Time
}

var (
	// ErrAlreadyEnrolled means that the account has another authenticator or a phone, which
	// an import does not touch.
	ErrAlreadyEnrolled = errors.New("admin: an authenticator or a phone is set up already")

	// ErrSharedSecret means that rows of two accounts have the same secret: one person
	// could sign in as the other.
	ErrSharedSecret = errors.New("admin: two accounts have the same secret")
)

// Import takes over authenticators as they are, so that nobody has to set up
// again: the person's next code signs in. Recovery codes are not made, since nobody is
// there to save them; lead people to new ones at their next sign-in. Codes that the other
// system saw in the last minute work here once: stop it first. [Admin.PreviewImport]
// shows what Import would do.
//
// Rows of one account are its authenticators, up to [enroll.MaxAuthenticators], and are
// written at once. An account that has others already is left alone.
//
// Secrets of fewer than 128 bits are weak (RFC 4226 §4, R6), and the 16 letters that
// many systems gave out have 80. Until Imported.WeakUntil the code of such a key
// leads its owner to a new authenticator ([totpflow.Service.VerifyCode]); after that the
// key is removed, and the enrollment requires an issued code
// ([Admin.IssueRecoveryCode]), never the password alone.
//
// Every row has its own outcome, in the order of rows. Importing the same row again does
// nothing, so repeat a run that was interrupted. Once an administrator's proof is used, the
// run continues even if ctx ends. The actor may import into tenants that they may
// administer. The rule is asked about each row before anything is written:
// refused rows are left out, and one proof covers the others; if there are no others, it
// is not consumed. Errors of an outcome: [ErrSelf] for the administrator's own row,
// [ErrNotAllowed], [ErrAlreadyEnrolled], [ErrSharedSecret], [totp.ErrNoKey],
// [totp.ErrSample], [enroll.ErrWeak], [enroll.ErrTooManyAuthenticators],
// [enroll.ErrSameSecret] for one secret with two parameters, [enroll.ErrTransition] for
// accounts that were reset or are exempt, [totpflow.ErrFrozen], [store.ErrID],
// [store.ErrUnavailable].
//
// Errors of the call, which then has done nothing: [ErrBulk]; [ErrNotAllowed] for an
// administrator who may not import any of the rows, nor into their own tenant;
// [totpflow.ErrProof]; [totpflow.ErrPolicy] where Config.ParentTenants fails; and the
// error of a [Rule] that could not decide: a context's error or [store.ErrUnavailable].
func (a Admin) Import(ctx context.Context, by Actor, rows []Imported) (_ []Outcome, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.import")
	defer flow.End(&err)
	authors, outcomes, err := a.importers(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	first := firstGood(outcomes)
	if first < 0 {
		return outcomes, nil
	}
	who, err := a.authoriseFor(ctx, by, ActionImport.On(""), store.AccountID{Tenant: rows[first].ID.Tenant})
	if err != nil {
		return nil, err
	}
	importEach(rows, outcomes, func(t *takeover) (err error) {
		t.who = authors[t.at[0]]
		one(who.lasting(ctx), func(ctx context.Context) {
			t.change, err = a.changeAccount(ctx, t.id, func(tx *engine.Tx) error { t.decide(tx); return nil })
		})
		return err
	})
	return outcomes, nil
}

// PreviewImport returns the outcomes that [Admin.Import] would have now, by the same
// decision about each account, and writes nothing. It requires no proof. Errors are those
// of Import, except for the proof's.
func (a Admin) PreviewImport(ctx context.Context, by Actor, rows []Imported) (_ []Outcome, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.preview_import")
	defer flow.End(&err)
	_, outcomes, err := a.importers(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	importEach(rows, outcomes, func(t *takeover) error {
		if err := account.Validate(t.id); err != nil {
			return err
		}
		entry, found, err := a.engine.Read(ctx, t.id)
		if err = cmp.Or(err, entry.Err); err != nil {
			return err
		}
		tx := a.engine.View(entry)
		tx.Found = found
		t.decide(tx)
		return nil
	})
	return outcomes, nil
}

func firstGood(outcomes []Outcome) int {
	return slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Err == nil })
}

// importers authorises each row, and each tenant as a whole. For each row it returns the
// author of the import, or why it is refused.
func (a Admin) importers(ctx context.Context, by Actor, rows []Imported) ([]author, []Outcome, error) {
	if len(rows) == 0 || len(rows) > MaxAccounts {
		return nil, nil, ErrBulk
	}
	authors, outcomes := make([]author, len(rows)), make([]Outcome, len(rows))
	tenants := make(map[string]error)
	for i, row := range rows {
		who, err := a.authorise(ctx, by, ActionImport, row.ID)
		if _, known := tenants[row.ID.Tenant]; err == nil && !known {
			_, tenants[row.ID.Tenant] = a.authorise(ctx, by, ActionImport, store.AccountID{Tenant: row.ID.Tenant})
		}
		if err == nil {
			err = tenants[row.ID.Tenant]
		}
		if err != nil && (transient(err) || !errors.Is(err, ErrSelf) && !errors.Is(err, ErrNotAllowed)) {
			return nil, nil, err
		}
		authors[i], outcomes[i] = who, Outcome{ID: row.ID, Err: err}
	}
	if firstGood(outcomes) < 0 {
		if err := a.importNothing(ctx, by, outcomes); err != nil {
			return nil, nil, err
		}
	}
	refuseShared(rows, outcomes)
	return authors, outcomes, nil
}

// transient reports whether a rule has not refused but could not decide.
func transient(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable)
}

// importNothing returns why the call fails where no row may be imported. The call does not
// fail for an administrator who may import at all: the outcomes report the rows.
func (a Admin) importNothing(ctx context.Context, by Actor, outcomes []Outcome) error {
	admin, ok := by.(Administrator)
	if !ok {
		return outcomes[0].Err
	}
	_, err := a.authorise(ctx, by, ActionImport, store.AccountID{Tenant: admin.User.ID.Tenant})
	return err
}

// refuseShared refuses the rows whose secret appears in rows of several accounts.
func refuseShared(rows []Imported, outcomes []Outcome) {
	owners := make(map[string]store.AccountID, len(rows))
	shared := make(map[string]bool)
	for _, row := range rows {
		secret := row.Key.Secret()
		if owner, found := owners[secret]; found && owner != row.ID {
			shared[secret] = true
		}
		owners[secret] = row.ID
	}
	for i, row := range rows {
		if outcomes[i].Err == nil && !row.Key.IsZero() && shared[row.Key.Secret()] {
			outcomes[i].Err = ErrSharedSecret
		}
	}
}

// A takeover is the import of the rows of one account.
type takeover struct {
	id   store.AccountID
	rows []Imported
	at   []int // their indexes in the call
	who  author

	outcomes []Outcome // one for each row
	change   totpflow.Change
}

// importEach imports the rows that are not refused yet, account by account, in the order
// in which the accounts appear.
func importEach(rows []Imported, outcomes []Outcome, run func(*takeover) error) {
	accounts := make(map[store.AccountID]*takeover)
	var order []*takeover
	for i, row := range rows {
		if outcomes[i].Err != nil {
			continue
		}
		t := accounts[row.ID]
		if t == nil {
			t = &takeover{id: row.ID}
			accounts[row.ID], order = t, append(order, t)
		}
		t.rows, t.at = append(t.rows, row), append(t.at, i)
	}
	for _, t := range order {
		err := run(t)
		for i, at := range t.at {
			switch {
			case err != nil:
				outcomes[at].Err = err
			default:
				outcomes[at] = t.outcomes[i]
				if t.outcomes[i].Err == nil {
					outcomes[at].Change = t.change
				}
			}
		}
	}
}

// decide decides about one account, for Import and PreviewImport.
func (t *takeover) decide(tx *engine.Tx) {
	t.outcomes = make([]Outcome, len(t.rows)) // a new slice for each attempt
	apart := t.setApart(tx)
	for i, row := range t.rows {
		already, err := t.take(tx, row, apart)
		t.outcomes[i] = Outcome{ID: t.id, Err: err, Already: already, New: !tx.Found}
	}
}

// setApart reports whether the account has a factor that is not among the rows. A person
// who exported a secret must not sign in beside that factor; and rows that add a second
// authenticator must include the first one's secret.
func (t *takeover) setApart(tx *engine.Tx) bool {
	for _, x := range tx.Enrollment.Authenticators() {
		if !slices.ContainsFunc(t.rows, func(row Imported) bool { return row.Key.Equal(x.Key) }) {
			return true
		}
	}
	return len(tx.Phones.Phones()) > 0
}

func (t *takeover) take(tx *engine.Tx, row Imported, apart bool) (already bool, err error) {
	live := tx.Enrollment.Authenticators()
	switch {
	case row.Key.IsZero():
		return false, totp.ErrNoKey
	case tx.Frozen():
		return false, totpflow.ErrFrozen // an account that is restored to its owner must not have another person's phone
	case slices.ContainsFunc(live, func(x enroll.Authenticator) bool { return x.Key.Equal(row.Key) }):
		return true, nil
	case apart:
		return false, ErrAlreadyEnrolled
	}
	e, added, err := tx.Enrollment.Import(tx.Now, row.Key, row.Name, row.WeakUntil)
	if errors.Is(err, enroll.ErrTransition) && len(live) > 0 { // its owner has shown a code here
		return false, ErrAlreadyEnrolled
	}
	if err != nil {
		return false, err
	}
	tx.Enrollment = e
	tx.EndTickets() // proofs of "nothing is set up"; sessions stay, since people do not see the move
	t.who.log(tx, event.Event{Kind: event.Imported, Authenticator: added.ID})
	tx.Save()
	return false, nil
}
