package account

import (
	"math"
	"time"

	"github.com/totpflow/totpflow/internal/wire"
)

// Notifying is the claim of one process to deliver the notifications that are pending in
// the account's record. Two processes at once would send a mail twice. The claim expires,
// so that nobody waits for a process that died.
type Notifying struct {
	By    uint64 // a random number of the process; 0: nobody
	Since time.Time
}

// Fields describes the claim.
func (n *Notifying) Fields(c *wire.Coder) {
	wire.Number(c, "by", &n.By, 0, math.MaxUint64)
	c.Millis("since", &n.Since)
}

// IsZero reports whether nobody notifies.
func (n *Notifying) IsZero() bool { return *n == Notifying{} }

// HeldBesides reports whether another process has a claim that is not older than age. A
// claim from the future was made by a clock that has been corrected since.
func (n Notifying) HeldBesides(process uint64, at time.Time, age time.Duration) bool {
	return n.By != 0 && n.By != process && !ahead(n.Since, at) && at.Sub(n.Since) < age
}
