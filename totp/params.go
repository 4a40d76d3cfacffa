package totp

import (
	"fmt"
	"time"
)

// The bounds of [Params]. Six digits is the least that RFC 4226, section 5.3, allows; more than eight adds nothing that
// apps can show. A shorter period leaves no time to type, a longer one widens the time in
// which an overheard code is valid.
const (
	minDigits     = 6
	maxDigits     = 8
	defaultPeriod = 30 * time.Second
	minPeriod     = 15 * time.Second
	maxPeriod     = 120 * time.Second
)

// Params are what both sides must agree on besides the secret. The zero value is SHA-1, 6 digits, 30 seconds, the
// defaults of the key URI format and the only choice that every app gets right.
type Params struct {
	Algorithm Algorithm     // zero: SHA1
	Digits    int           // 6, 7 or 8; zero: 6
	Period    time.Duration // whole seconds, 15 s to 120 s; zero: 30 s
}

// complete returns p with the defaults filled in, or [ErrParams]. Every Key passes
// through it, even one from a URI in the database: digits=1 in a tampered row would be a
// code that ten guesses find.
func (p Params) complete() (Params, error) {
	if p.Digits == 0 {
		p.Digits = minDigits
	}
	if p.Period == 0 {
		p.Period = defaultPeriod
	}
	switch {
	case !p.Algorithm.known():
		return Params{}, fmt.Errorf("%w: unknown algorithm", ErrParams)
	case p.Digits < minDigits || p.Digits > maxDigits:
		return Params{}, fmt.Errorf("%w: digits outside 6 to 8", ErrParams)
	case p.Period < minPeriod || p.Period > maxPeriod || p.Period%time.Second != 0:
		return Params{}, fmt.Errorf("%w: period outside 15 to 120 whole seconds", ErrParams)
	}
	return p, nil
}

// seconds returns the period as RFC 6238's X.
func (p Params) seconds() int64 { return int64(p.Period / time.Second) }
