package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/store"
)

// A Ticket is the content of the sealed strings that are handed out for an account:
// challenges, proofs and enrollment tokens. It is one type, so that there is one way to
// make and one way to refuse them; each kind has its own sealing key, so that one cannot
// be taken for another.
//
// A ticket is base64url, without padding, of [keyring.Ring.Seal] for the name of its kind.
// The associated data are the audience and the ring's epoch in decimal. The sealed text is 32
// bytes of HMAC-SHA-256 by the account's ticket key, and the text that they sign. Package wire
// defines the kinds of its fields; issued is when the ticket, or the first one of those
// that led to it, was handed out.
//
//	format: number, 1
//	id: text, at most 64
//	kind: text, at most 64
//	tenant: text, at most 190
//	user: text, at most 190
//	name: text, at most 2048
//	issued: time in milliseconds
//	action: text, at most 2048
//	target: text, at most 2048
//	reason: text, at most 64
//	candidate: text, at most 64
//	revocations: number
type Ticket struct {
	ID     string
	Kind   string
	Tenant string
	User   string
	Name   string    // the name of the account, for the authenticator's label
	Issued time.Time // whole milliseconds
	Action string    // the action that a challenge asks for or a proof allows
	Target string    // the target of a proof's action
	Reason string    // how a proof was earned

	Candidate   string // the candidate of an enrollment token; the phone of a proof by a phone's code
	Revocations uint64 // how often trust was revoked before it was issued

	// The text of the above and the account's tag of it. Only the record can
	// tell whether they belong together: until [Ticket.Valid] anybody who has the
	// ring may have written the ticket.
	text, tag []byte
	lifetime  time.Duration
}

// Fields describes the ticket. It includes the kind although each kind has its own
// sealing key: the account signs these bytes, so that the ring alone is not enough to
// make a proof out of a challenge.
func (t *Ticket) Fields(c *wire.Coder) {
	c.Text("id", &t.ID, maxWord)
	c.Text("kind", &t.Kind, maxWord)
	c.Text("tenant", &t.Tenant, store.MaxID)
	c.Text("user", &t.User, store.MaxID)
	c.Text("name", &t.Name, maxText)
	c.Millis("issued", &t.Issued)
	c.Text("action", &t.Action, maxText)
	c.Text("target", &t.Target, maxText)
	c.Text("reason", &t.Reason, maxWord)
	c.Text("candidate", &t.Candidate, maxWord)
	wire.Number(c, "revocations", &t.Revocations, 0, math.MaxUint64)
}

// The longest texts of a ticket, in bytes: those of this module, and those of the
// host. A ticket that is longer than [maxSealed] in all is refused when it comes
// back.
const (
	maxWord = 64
	maxText = 2048
)

// A Kind of tickets.
type Kind struct {
	Name     string        // names the sealing key
	Lifetime time.Duration // at most [account.TicketAge]
}

// ProofLifetime is how long a proof is valid.
const ProofLifetime = 5 * time.Minute

// ProofKind is the kind of proofs, which package admin consumes too.
var ProofKind = Kind{Name: "totpflow/proof", Lifetime: ProofLifetime}

// ErrTicket covers every way in which a sealed string is not a ticket of this service.
// The exact reason would help only an attacker.
var ErrTicket = errors.New("totpflow: not a valid ticket")

// Account returns the account that the ticket was issued for.
func (t Ticket) Account() store.AccountID { return store.AccountID{Tenant: t.Tenant, User: t.User} }

// SealTicket issues the ticket for the account as it is now and returns a string that is
// safe in a cookie, signed by the account and sealed by the ring. The ring's epoch is
// associated data: raising it after a database was restored ends every ticket.
func (e *Engine) SealTicket(k Kind, tx *Tx, t Ticket) string {
	t.ID, t.Issued = rand.Text()[:16], tx.Now.Truncate(time.Millisecond)
	return e.ResealTicket(k, tx, t)
}

// SealFollower issues a ticket that another one has led to. Its time counts from that
// one: otherwise a page that is opened late could be used for longer after the password.
func (e *Engine) SealFollower(k Kind, tx *Tx, t, of Ticket) string {
	t.ID, t.Issued = rand.Text()[:16], of.Issued
	return e.ResealTicket(k, tx, t)
}

// ResealTicket issues the ticket again, for another action. It keeps the ID and the
// time, so that both are used up together and neither lives longer than the first.
func (e *Engine) ResealTicket(k Kind, tx *Tx, t Ticket) string {
	t.Kind, t.Revocations = k.Name, tx.Revocations
	// The tag, and the text behind it.
	signed, err := wire.Append(make([]byte, sha256.Size, 384), &t)
	if err != nil { // the host's action is too long: no ticket
		return ""
	}
	if tx.DrawTicketKey(tx.Now) {
		tx.Save()
	}
	tag := tx.Sign(signed[sha256.Size:])
	copy(signed, tag[:])
	return e.Seal(k.Name, signed)
}

// UnsealTicket returns the ticket of a sealed string, or [ErrTicket].
func (e *Engine) UnsealTicket(k Kind, sealed string) (Ticket, error) {
	plain, err := e.Unseal(k.Name, sealed)
	if err != nil || len(plain) < sha256.Size {
		return Ticket{}, ErrTicket
	}
	t := Ticket{tag: plain[:sha256.Size], text: plain[sha256.Size:], lifetime: k.Lifetime}
	if err := wire.Decode(t.text, &t); err != nil || t.Kind != k.Name || t.ID == "" || t.User == "" {
		return Ticket{}, ErrTicket
	}
	return t, nil
}

// Valid reports whether the ticket is still valid for the account as it is now. A ticket
// from the future was made by a clock that has been put back since, and would be valid
// for too long.
func (t Ticket) Valid(tx *Tx) bool {
	age := tx.Now.Sub(t.Issued)
	return !tx.Frozen() && tx.Signed(t.text, t.tag) &&
		-skew.Tolerance <= age && age < t.lifetime &&
		!tx.IsSpent(t.ID, t.Issued)
}

// Used reports whether the account still knows that the ticket was used: it was issued by
// the current key, and is remembered.
func (t Ticket) Used(tx *Tx) bool {
	return !tx.Frozen() && tx.Signed(t.text, t.tag) && tx.Served(t.ID)
}

// Consume marks the ticket as used by this attempt's write. It reports false for
// a ticket that is not valid.
func (t Ticket) Consume(tx *Tx) bool {
	if !t.Valid(tx) {
		return false
	}
	tx.Spend(t.ID, t.Issued)
	tx.Save()
	return true
}

// Seal returns plain as a string that is safe in a cookie or a link, sealed by
// the ring for this purpose, audience and epoch.
func (e *Engine) Seal(purpose string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(e.Keys.Seal(purpose, plain, e.Audience, e.epoch()))
}

// strictBase64 accepts no second spelling of the last bits. Strict makes a copy, so that it is called once.
var strictBase64 = base64.RawURLEncoding.Strict()

// maxSealed bounds the work on hostile input; sealed strings are under 1 KiB.
const maxSealed = 4096

// Unseal is the reverse of Seal. It accepts one spelling of each string: the
// decoder alone skips line ends.
func (e *Engine) Unseal(purpose, sealed string) ([]byte, error) {
	if len(sealed) > maxSealed {
		return nil, ErrTicket
	}
	raw, err := strictBase64.DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(raw)) != len(sealed) {
		return nil, ErrTicket
	}
	return e.Keys.Open(purpose, raw, e.Audience, e.epoch())
}

// SessionMark returns the text of the account's mark: the format, the ring's epoch, so
// that raising it ends every session, and the bytes. It is compared and never parsed, so
// that each mark has one spelling.
func (e *Engine) SessionMark(tx *Tx) string { return "1." + e.epoch() + "." + tx.Mark.String() }

func (e *Engine) epoch() string { return strconv.FormatUint(uint64(e.Keys.Epoch()), 10) }
