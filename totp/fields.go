package totp

import (
	"time"

	"github.com/totpflow/totpflow/internal/wire"
)

// maxSecretBytes is the most that [ParseSecret] accepts.
const maxSecretBytes = maxSecret * 5 / 8

// Fields is for this module's own records and REVEALS the secret to them: nobody
// outside can make a [wire.Coder]. To store a key, seal the string of [Key.URI].
func (k *Key) Fields(c *wire.Coder) {
	var p Params
	var m *material
	var secret []byte
	switch {
	case c.Reading():
		m = new(material)
		secret = m.room[:0]
	case !k.IsZero():
		p, secret = k.reveal().params, k.reveal().secret
	}
	seconds := p.seconds()
	wire.Number(c, "algorithm", &p.Algorithm, SHA1, SHA512)
	wire.Number(c, "digits", &p.Digits, minDigits, maxDigits)
	wire.Number(c, "period", &seconds, int64(minPeriod/time.Second), int64(maxPeriod/time.Second))
	c.Bytes("secret", &secret, maxSecretBytes)
	if c.Reading() {
		p.Period = time.Duration(seconds) * time.Second
		read, err := m.hide(secret, p, minWeak)
		c.Check(err)
		*k = read
	}
}
