package account

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// purpose separates the records' sealing key from every other key of the ring.
const purpose = "totpflow/account"

// ErrFormat is returned for a record whose contents this version does not
// know: written by a newer version, or not by this library. It is never read as
// "no second factor".
var ErrFormat = errors.New("account: record of an unknown format")

// encode REVEALS the secrets of a: it is for sealing only. A record that a process of the
// next release has written stays in its format: in the older one it would lose the fields
// that are new, and with them what they protect.
func encode(a *Account) ([]byte, error) {
	data, err := wire.EncodeAs(max(wire.Written, a.format), a)
	if err != nil {
		return nil, fmt.Errorf("account: encode: %w", err)
	}
	return data, nil
}

// decode reads into the zero Account, and leaves it zero with an error.
func (a *Account) decode(data []byte) error {
	if err := wire.Decode(data, a); err != nil {
		*a = Account{}
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if format := wire.Format(data); format > wire.Written {
		a.format = format
	}
	return nil
}

// The longest texts that other packages make, in bytes.
const (
	maxTicketID = 64
	maxMachine  = 190
	maxNumber   = 16
	maxScope    = 64
	maxMark     = 64
	maxTargets  = 4096
)

// Fields describes the record. The package comment has it byte by byte.
func (a *Account) Fields(c *wire.Coder) {
	wire.Number(c, "generation", &a.Generation, 0, math.MaxUint64)
	c.Part("enrollment", &a.Enrollment)
	c.Optional("recovery", &a.Recovery)
	wire.List(c, "browsers", &a.Browsers, trust.MaxBrowsers, (*trust.Browser).Fields)
	wire.Number(c, "revocations", &a.Revocations, 0, math.MaxUint64)
	c.Optional("budget", &a.Budget)
	c.Optional("recovery_rate", &a.RecoveryRate)
	c.Optional("administrator", &administrator{&a.Resets, &a.Window})
	c.Optional("ticket_key", &a.TicketKey)
	wire.List(c, "spent", &a.Spent, maxSpent, (*Spent).fields)
	c.Signed("used_up_to", &a.UsedUpTo, math.MinInt64, math.MaxInt64)
	c.Optional("mark", &a.Mark)
	c.Millis("password_at", &a.PasswordAt)
	c.Optional("grace", &a.Grace)
	c.Optional("issued", &a.Issued)
	c.Optional("suspicion", &a.Suspicion)
	c.Text("machine", &a.Machine, maxMachine)
	c.Optional("freeze", &a.Freeze)
	c.Optional("phones", &a.Phones)
	c.Text("assigned", &a.Assigned, maxNumber)
	c.Optional("sends", &a.Sends)
	c.Optional("tenant", &a.Tenant)
	c.Optional("notifying", &a.Notifying)
	c.Optional("activity", &a.Activity)
}

// An administrator has the fields that only an administrator's record needs. It is one
// part, so that it takes one byte in the records of a million other people.
type administrator struct {
	resets *throttle.Rate
	window *Window
}

// Fields describes the two.
func (x *administrator) Fields(c *wire.Coder) {
	c.Optional("resets", x.resets)
	c.Optional("window", x.window)
}

// IsZero reports whether there is neither.
func (x *administrator) IsZero() bool { return x.resets.IsZero() && x.window.IsZero() }

// Fields describes the key.
func (k *TicketKey) Fields(c *wire.Coder) { c.Fixed("key", k[:]) }

// IsZero reports whether the key signs nothing.
func (k *TicketKey) IsZero() bool { return *k == TicketKey{} }

// Fields describes the mark.
func (m *Mark) Fields(c *wire.Coder) { c.Fixed("mark", m[:]) }

// IsZero reports whether no session was ended yet.
func (m *Mark) IsZero() bool { return *m == Mark{} }

func (s *Spent) fields(c *wire.Coder) {
	c.Text("id", &s.ID, maxTicketID)
	c.Signed("issued", &s.Issued, math.MinInt64, math.MaxInt64)
}

// Fields describes the grace.
func (g *Grace) Fields(c *wire.Coder) {
	c.Millis("begun", &g.Begun)
	c.Millis("until", &g.Until)
}

// IsZero reports whether no grace ever began.
func (g *Grace) IsZero() bool { return *g == Grace{} }

// Fields describes the issued code.
func (i *Issued) Fields(c *wire.Coder) {
	c.Part("set", &i.Set)
	c.Millis("at", &i.At)
}

// IsZero reports whether there is none.
func (i *Issued) IsZero() bool { return i.Set.IsZero() && i.At.IsZero() }

// Fields describes the suspicion.
func (s *Suspicion) Fields(c *wire.Coder) {
	c.Bool("code_only", &s.CodeOnly)
	c.Bool("redeemed", &s.Redeemed)
	c.Bool("new_password", &s.NewPassword)
}

// IsZero reports whether there is none.
func (s *Suspicion) IsZero() bool { return *s == Suspicion{} }

// Fields describes the freeze.
func (f *Freeze) Fields(c *wire.Coder) {
	c.Millis("at", &f.At)
	c.Millis("ended", &f.Ended)
	wire.Number(c, "up_to", &f.UpTo, 0, math.MaxUint64)
}

// IsZero reports whether the account was never frozen.
func (f *Freeze) IsZero() bool { return *f == Freeze{} }

// Fields describes the content of a tenant's own record.
func (t *Tenant) Fields(c *wire.Coder) {
	wire.Maybe(c, "policy", &t.Policy, (*policy.Policy).Fields) // a zero policy requires a factor, and differs from no policy
	wire.List(c, "pending", &t.Pending, MaxRequests, (*Request).fields)
}

func (q *Request) fields(c *wire.Coder) {
	c.Text("id", &q.ID, maxTicketID)
	c.Word("action", &q.Action, maxScope)
	c.Word("by_tenant", &q.By.Tenant, store.MaxID)
	c.Word("by_user", &q.By.User, store.MaxID)
	c.Text("mark", &q.Mark, maxMark)
	c.Millis("asked", &q.Asked)
	wire.Maybe(c, "before", &q.Before, (*policy.Policy).Fields)
	wire.Maybe(c, "policy", &q.Policy, (*policy.Policy).Fields)
	wire.List(c, "targets", &q.Targets, maxTargets, func(user *string, c *wire.Coder) { c.Text("user", user, store.MaxID) })
	c.Word("scope", &q.Scope, maxScope)
	c.Text("name", &q.Name, maxMachine)
}

// Seal makes the record of a that replaces another; due is zero if nothing is pending.
// Tenant, user, version, state
// word and due time are associated data: anyone who can write to the database still
// cannot move a record to another user, bring an old one back under a new version,
// relabel one as disabled, or put off what is due.
func Seal(keys *keyring.Ring, id store.AccountID, a Account, at, due time.Time) (*store.Record, error) {
	plain, err := encode(&a)
	if err != nil {
		return nil, err
	}
	r := &store.Record{
		ID:      id,
		Version: store.NewVersion(),
		State:   a.State(id, at),
		Updated: at,
		Due:     due.Truncate(time.Millisecond),
	}
	r.Sealed = keys.Seal(purpose, plain, associated(*r)...)
	return r, nil
}

// Open is the reverse of Seal: it reads r into a, which is zero, and leaves it zero with
// an error.
func (a *Account) Open(keys *keyring.Ring, r store.Record) error {
	plain, err := keys.Open(purpose, r.Sealed, associated(r)...)
	if err != nil {
		return fmt.Errorf("account: open record: %w", err)
	}
	return a.decode(plain)
}

func associated(r store.Record) []string {
	due := "" // empty for never
	if !r.Due.IsZero() {
		due = strconv.FormatInt(r.Due.UnixMilli(), 10)
	}
	return []string{r.ID.Tenant, r.ID.User, r.Version.String(), r.State, due}
}
