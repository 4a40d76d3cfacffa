package trust

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/internal/wire"
)

// ErrEncoding means that bytes are not an encoded list of this version. Treat it as
// an account that cannot be read, not as one without trusted browsers.
var ErrEncoding = errors.New("trust: not an encoded list of this version")

// A list is the browsers of an account.
type list []Browser

// Encode returns the browsers of an account in a binary form of at most 3 KiB,
// with its version inside. The error is [ErrEncoding] for more than [MaxBrowsers]
// and for a browser that [Issue] cannot have made.
func Encode(known []Browser) ([]byte, error) {
	l := list(known)
	data, err := wire.Encode(&l)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return data, nil
}

// Decode reads what [Encode] wrote. Anything else is [ErrEncoding].
func Decode(data []byte) ([]Browser, error) {
	var l list
	if err := wire.Decode(data, &l); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return l, nil
}

func (l *list) Fields(c *wire.Coder) {
	wire.List(c, "browsers", (*[]Browser)(l), MaxBrowsers, (*Browser).Fields)
}

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (b *Browser) Fields(c *wire.Coder) {
	c.Hex("id", &b.ID, idSize)
	c.Text("label", &b.Label, maxLabel)
	c.Hex("hash", &b.Hash, sha256.Size)
	c.Seconds("issued", &b.Issued)
	c.Seconds("seen", &b.Seen)
}
