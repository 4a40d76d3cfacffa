package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/totpflow/totpflow/internal/shortmac"
)

// A tag, as [Ring.MAC] returns it:
//
//	0            4                        36
//	+------------+------------------------+
//	| key id     | HMAC-SHA-256           |
//	+------------+------------------------+
//
// over each field, preceded by its length. The algorithm is not named in the tag:
// otherwise an attacker could choose it.

// TagSize is the length of a tag in bytes.
const TagSize = len(keyID{}) + sha256.Size

// MAC signs the fields for a purpose with the newest key and returns a tag of
// [TagSize] bytes. Order, number and boundaries of the fields matter: ("ab", "c")
// and ("a", "bc") have different tags.
//
// For one key the tag is always the same. It reveals nothing about fields that cannot be
// guessed, and only a holder of the ring can check a guess.
func (r *Ring) MAC(purpose string, fields ...string) []byte {
	st := r.state()
	k := st.newest()
	sum, err := st.mac(k, purpose, fields)
	if err != nil {
		panic(err) // unreachable: HKDF-SHA-256 gives 32 bytes from 32 in any mode
	}
	return append(append(make([]byte, 0, TagSize), k.id[:]...), sum[:]...)
}

// VerifyMAC returns nil if tag is the result of [Ring.MAC] for this purpose and these
// fields under any key of the ring, newest or not. The comparison takes constant time.
//
// The error is [ErrUnknownKey] or [ErrBroken], and always [ErrOpen].
func (r *Ring) VerifyMAC(purpose string, tag []byte, fields ...string) error {
	if len(tag) != TagSize {
		return ErrBroken
	}
	id := keyID(tag[:len(keyID{})])
	st := r.state()
	k, ok := st.find(id)
	if !ok {
		return fmt.Errorf("%w: %v", ErrUnknownKey, id)
	}
	sum, err := st.mac(k, purpose, fields)
	if err != nil || !hmac.Equal(sum[:], tag[len(id):]) {
		return ErrBroken
	}
	return nil
}

func (s *state) mac(k *key, purpose string, fields []string) (sum [sha256.Size]byte, err error) {
	sub, err := s.macKey(k, purpose)
	if err == nil {
		sum = shortmac.Sum(sub, appendFields(make([]byte, 0, 256), fields))
	}
	return sum, err
}
