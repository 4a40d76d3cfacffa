package account

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A tenant has a record too, besides those of its users: its policy, the requests that
// are pending for a second administrator, and its history. It is stored under a user id
// that no user has.

const tenantUser = store.ReservedPrefix + "tenant"

// TenantID returns the id of the tenant's own record.
func TenantID(tenant string) store.AccountID {
	return store.AccountID{Tenant: tenant, User: tenantUser}
}

// SendsID returns the id of the record that counts the messages to a number or a
// prefix, by its keyed hash. It belongs to no tenant: a thousand accounts in a thousand
// tenants that send to one number are one attack.
func SendsID(hash string) store.AccountID {
	return store.AccountID{User: store.ReservedPrefix + "sends:" + hash}
}

// Validate returns an error wrapping [store.ErrID] unless the id can be a user's.
func Validate(id store.AccountID) error {
	if id.Reserved() {
		return fmt.Errorf("%w: user ids that begin with %q are reserved", store.ErrID, store.ReservedPrefix)
	}
	return id.Validate()
}

// Tenant is the content of a tenant's own record. It is zero in every other record.
type Tenant struct {
	Policy  *policy.Policy // nil: never set
	Pending []Request
}

// IsZero reports whether there is nothing to write, as in the record of a user.
func (t Tenant) IsZero() bool { return t.Policy == nil && len(t.Pending) == 0 }

// A Request is pending until a second administrator approves it.
type Request struct {
	ID      string
	Action  string
	By      store.AccountID
	Mark    string // the mark of the requester's sessions: everything that ends them ends the request
	Asked   time.Time
	Before  *policy.Policy
	Policy  *policy.Policy
	Targets []string // user ids
	Scope   string
	Name    string
}

// RequestAge is how long a request is pending.
const RequestAge = 24 * time.Hour

// Live reports whether the request can still be approved.
func (q Request) Live(at time.Time) bool {
	age := at.Sub(q.Asked)
	return -skew.Tolerance <= age && age < RequestAge
}

// Limits of the pending requests, so that the record fits every store whatever the user
// ids are: a thousand of 36 characters fit.
const (
	MaxRequests  = 20
	maxRequested = 40 << 10 // bytes in the record
)

// ErrTooManyRequests means that too many requests are pending already.
var ErrTooManyRequests = errors.New("account: too many requests are pending")

// AddRequest adds a request.
func (t Tenant) AddRequest(q Request, at time.Time) (Tenant, error) {
	next := t.expire(at)
	next.Pending = append(slices.Clip(next.Pending), q)
	if len(next.Pending) > MaxRequests {
		return t, ErrTooManyRequests
	}
	size, err := wire.Size(&Tenant{Pending: next.Pending})
	if err != nil {
		return t, err
	}
	if size > maxRequested {
		return t, ErrTooManyRequests
	}
	return next, nil
}

// RemoveRequest removes the request with this id and returns it, if it is still
// pending.
func (t Tenant) RemoveRequest(id string, at time.Time) (Tenant, Request, bool) {
	t = t.expire(at)
	i := slices.IndexFunc(t.Pending, func(q Request) bool { return q.ID == id })
	if i < 0 {
		return t, Request{}, false
	}
	q := t.Pending[i]
	t.Pending = slices.Delete(slices.Clone(t.Pending), i, i+1)
	return t, q, true
}

func (t Tenant) expire(at time.Time) Tenant {
	t.Pending = slices.DeleteFunc(slices.Clone(t.Pending), func(q Request) bool { return !q.Live(at) })
	return t
}
