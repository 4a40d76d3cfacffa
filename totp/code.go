package totp

import (
	"crypto/fips140"
	"encoding/binary"
	"time"
)

// Code returns the code for the step that contains at: as many ASCII digits as the key
// has, with leading zeros. The error is [ErrNoKey] or [ErrTime]. Servers need it for
// tests and tools only; to check a code use [Key.Verify], since comparing strings leaks
// timing and does not detect replays.
func (k Key) Code(at time.Time) (string, error) {
	var digits [maxDigits]byte
	code, err := k.AppendCode(digits[:0], at)
	return string(code), err
}

// AppendCode is [Key.Code] appending to dst and returning the extended slice. With an
// error it returns dst unchanged.
func (k Key) AppendCode(dst []byte, at time.Time) ([]byte, error) {
	if k.IsZero() {
		return dst, ErrNoKey
	}
	m := k.reveal()
	step := m.params.step(at)
	if step < 0 {
		return dst, ErrTime
	}
	values, err := m.codes(step, 1)
	if err != nil {
		return dst, err
	}
	return appendDigits(dst, values[0], m.params.Digits), nil
}

// codes returns the codes of n steps from first on, as numbers. It never stops early. A pair looks at one step more than
// its window has.
func (m *material) codes(first Step, n int) (values [maxWindow + 1]uint32, err error) {
	a, from := m.params.Algorithm, uint64(first)
	if fips140.Enabled() && a != SHA1 { // SHA-1 is in no Go module: nothing is gained
		m.byModule(values[:n], from)
		return values, nil
	}
	if err := a.available(); err != nil {
		return values, err
	}
	if m.mac.Load() == nil && !m.served.Swap(true) {
		m.once(values[:n], from)
		return values, nil
	}
	mac, err := m.absorbed()
	if err == nil {
		err = mac.codes(m.params, values[:n], from)
	}
	return values, err
}

// truncate is the dynamic truncation of RFC 4226, section 5.3: 31 bits from where the last four bits point, modulo
// 10^digits. The constants let the compiler multiply; a divide instruction takes a time that depends on its operands.
func truncate(sum []byte, digits int) uint32 {
	offset := sum[len(sum)-1] & 0x0f
	bits := binary.BigEndian.Uint32(sum[offset:]) & 0x7fff_ffff
	switch digits {
	case 6:
		return bits % 1_000_000
	case 7:
		return bits % 10_000_000
	default:
		return bits % 100_000_000
	}
}

// appendDigits writes value with leading zeros.
func appendDigits(dst []byte, value uint32, digits int) []byte {
	var text [maxDigits]byte
	for i := digits - 1; i >= 0; i-- {
		text[i] = byte('0' + value%10)
		value /= 10
	}
	return append(dst, text[:digits]...)
}
