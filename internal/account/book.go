package account

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// A Book reads and changes accounts in a store. It is safe for concurrent use.
type Book struct {
	store  store.Store
	keys   *keyring.Ring
	now    func() time.Time
	outbox *outbox
	queue  queue
}

// NewBook returns a book over the store s, sealed with keys, telling sink what
// happened. The clock now is read once in every round of a flow.
func NewBook(s store.Store, keys *keyring.Ring, sink event.Sink, now func() time.Time) *Book {
	return &Book{store: s, keys: keys, now: now, outbox: newOutbox(sink)}
}

// A Round is one pass of a flow over an account: the account as it stands in
// the store at this moment, and what the flow decides of it.
type Round struct {
	Account
	Found bool      // whether there is a record
	Stale bool      // whether it should be sealed anew, under the ring's newest key
	Now   time.Time // UTC, without a monotonic reading

	id     store.AccountID
	source event.Source
	save   bool
	events []event.Event
}

// ID is the account's id.
func (r *Round) ID() store.AccountID { return r.id }

// Save has the account written before the flow answers.
func (r *Round) Save() { r.save = true }

// Log adds an event. When the round is saved the event is numbered and kept
// with the account, else it only goes to the sink.
func (r *Round) Log(e event.Event) {
	e.At, e.Source = r.Now, r.source
	e.Tenant, e.User = subject(r.id)
	r.events = append(r.events, e)
}

// subject is whom the events of a record are about. Those of a tenant's own
// record are about no user.
func subject(id store.AccountID) (tenant, user string) {
	if Reserved(id) {
		return id.Tenant, ""
	}
	return id.Tenant, id.User
}

// Change runs decide on the account as it stands. When decide has called Save,
// the account is written if nobody wrote it meanwhile, and decide runs again on
// the new state otherwise; decide must therefore leave no trace outside the
// round but in variables that it sets anew each time. The error of decide is
// returned only after the write was acknowledged. Until then there is no
// answer: a failed write, a lost race or an unreadable record is an error of
// its own ([store.ErrUnavailable], [keyring.ErrOpen], [ErrFormat]).
func (b *Book) Change(ctx context.Context, id store.AccountID, decide func(*Round) error) error {
	if err := Validate(id); err != nil {
		return err
	}
	return b.flow(ctx, id, decide)
}

// ChangeTenant is Change for the tenant's own record.
func (b *Book) ChangeTenant(ctx context.Context, tenant string, decide func(*Round) error) error {
	return b.flow(ctx, TenantID(tenant), decide)
}

func (b *Book) flow(ctx context.Context, id store.AccountID, decide func(*Round) error) error {
	r, answer, err := b.change(ctx, id, decide)
	if err != nil {
		return err
	}
	b.outbox.report(ctx, r) // after the acknowledgement and outside the queue: a slow sink delays only its own flow
	return answer
}

// change returns the round that counted and its answer, or why there is none.
func (b *Book) change(ctx context.Context, id store.AccountID, decide func(*Round) error) (r *Round, answer, err error) {
	leave, err := b.queue.enter(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	err = store.Update(ctx, b.store, id, func(rec store.Record, found bool) (*store.Record, error) {
		r = &Round{Found: found, Now: b.now().UTC().Round(0), id: id, source: event.SourceOf(ctx)}
		if found {
			if r.Account, err = open(b.keys, rec); err != nil {
				return nil, err
			}
			r.Stale = b.keys.Stale(rec.Sealed)
			r.Enrollment = r.Enrollment.Expire(r.Now) // so that nothing decides by what time has ended
		}
		answer = decide(r)
		if !r.save {
			return nil, nil
		}
		b.number(r)
		r.prune(r.Now)
		return seal(b.keys, id, r.Account, r.Now)
	})
	return r, answer, err
}

// number puts the round's events into the account, so that they are written
// with it, and forgets those that the sink has taken.
func (b *Book) number(r *Round) {
	r.Activity = r.Activity.Acknowledged(b.outbox.taken(r.id, r.Activity.Last()))
	for i, e := range r.events {
		r.Activity, r.events[i] = r.Activity.Append(e)
	}
}
