package account

import "encoding/base64"

// A Mark separates the sessions that are valid from those that were ended: random bytes,
// drawn by each cause that ends them, zero until the first. It is compared for
// equality only, so that no clock can revive a session or end a new one. It is
// not a secret.
type Mark [16]byte

// String returns the mark as base64url.
func (m Mark) String() string { return base64.RawURLEncoding.EncodeToString(m[:]) }
