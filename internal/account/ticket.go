package account

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/shortmac"
)

// Tickets are the sealed strings handed out for an account: challenges, proofs,
// tokens of an enrollment. They are signed by a key in the record, in addition to being
// sealed by the ring. Otherwise an attacker who has only the ring could write a ticket
// for anybody, and bind an authenticator with it even without the password; an attacker
// who has only the database cannot open the record. Neither alone can forge one.

// TicketKey signs the tickets of one account and epoch: 128 bits, which is enough in
// addition to the ring's 256. The zero key signs nothing.
type TicketKey [16]byte

// TicketAge is the longest lifetime of any ticket.
const TicketAge = 15 * time.Minute

// Spent is a challenge or a proof that was used. It is remembered for
// [TicketAge].
type Spent struct {
	ID     string
	Issued int64 // milliseconds since 1970
}

// maxSpent bounds how many are remembered, so that nobody fills the record up
// by passing factors.
const maxSpent = 50

// DrawTicketKey draws the key that signs the tickets of this epoch, unless there
// is one. It reports whether the account changed and must be written. It draws another
// one when the clock went back behind UsedUpTo: a ticket issued now would count as used.
// The account loses nothing, so the generation stays.
func (a *Account) DrawTicketKey(now time.Time) (changed bool) {
	if now.UnixMilli() <= a.UsedUpTo {
		a.dropTicketKey()
	}
	if a.TicketKey != (TicketKey{}) {
		return false
	}
	rand.Read(a.TicketKey[:]) // never fails, by its contract
	return true
}

// Sign returns the account's tag of a ticket, by the key that DrawTicketKey has
// drawn.
func (a *Account) Sign(ticket []byte) [sha256.Size]byte { return a.TicketKey.tag(ticket) }

// Signed reports whether tag is the account's, of this epoch, for the ticket.
func (a *Account) Signed(ticket, tag []byte) bool {
	right := a.TicketKey.tag(ticket)
	return a.TicketKey != (TicketKey{}) && hmac.Equal(tag, right[:])
}

func (k TicketKey) tag(ticket []byte) [sha256.Size]byte { return shortmac.Sum(k[:], ticket) }

// Spend marks the ticket as used. It reports false when it was used before.
func (a *Account) Spend(id string, issued time.Time) bool {
	if a.IsSpent(id, issued) {
		return false
	}
	a.Spent = append(slices.Clip(a.Spent), Spent{ID: id, Issued: issued.UnixMilli()})
	a.dropTickets(len(a.Spent) - maxSpent)
	return true
}

// IsSpent reports whether the ticket was used, or may have been.
func (a *Account) IsSpent(id string, issued time.Time) bool {
	return issued.UnixMilli() <= a.UsedUpTo || a.Served(id)
}

// Served reports whether the ticket is known to have been used.
func (a *Account) Served(id string) bool {
	return slices.ContainsFunc(a.Spent, func(s Spent) bool { return s.ID == id })
}

// dropTickets drops the n used tickets that were issued first. All tickets that
// were issued no later count as used from then on, so that no clock that runs
// ahead and returns, and no flood, makes a ticket valid twice.
func (a *Account) dropTickets(n int) {
	if n <= 0 {
		return
	}
	a.Spent = slices.Clone(a.Spent)
	slices.SortStableFunc(a.Spent, func(x, y Spent) int { return cmp.Compare(x.Issued, y.Issued) })
	a.UsedUpTo = max(a.UsedUpTo, a.Spent[n-1].Issued)
	a.Spent = a.Spent[n:]
}

// dropOldTickets drops the used tickets that have expired.
func (a *Account) dropOldTickets(at time.Time) {
	old := 0
	for _, s := range a.Spent {
		if at.UnixMilli()-s.Issued >= TicketAge.Milliseconds() {
			old++
		}
	}
	a.dropTickets(old)
}

// EndTickets ends everything under way: all tickets so far, used or not, and an
// administrator's window, which is a bundle of them. The host sees it as a new
// generation.
func (a *Account) EndTickets() {
	a.Generation++
	a.dropTicketKey()
	a.Window = Window{}
}

func (a *Account) dropTicketKey() { a.TicketKey, a.Spent, a.UsedUpTo = TicketKey{}, nil, 0 }
