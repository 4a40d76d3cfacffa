package totp

import (
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/internal/typed"
)

// Verify reports which step of the window around at the code belongs to. Only steps greater than after are accepted;
// after is the last step that was accepted for this key, or 0 if none was. Store the
// result and pass it as the next after: until it is stored, the code can be used again
// (see the package comment).
//
// A code may be spelled as people type and paste it: white space, dashes and quotation marks of any kind, invisible
// characters and one full stop or comma at the end are left out, and the decimal digits of any one script count.
// Whatever the spelling, a code belongs to one step, and the step is used up.
//
// By coincidence two steps of a window may have the same code. Verify then returns the
// later one, so that the same digits do not pass a second time as the other; the owner
// loses one code that has nearly expired.
//
// The error is [ErrMalformedCode], [ErrRejected] or [ErrAlreadyUsed] about the code, and [ErrNoKey], [ErrWindow] or
// [ErrTime] (at before 1970, or after negative) about the rest. With every error it
// returns after, so that a caller who assigns the result without checking the error does
// not forget which codes were used. Every step of the window is computed and compared in
// constant time, whether and where the code matches. Verify does not allocate, except
// inside the FIPS 140-3 module.
func (k Key) Verify(code string, at time.Time, after Step, w Window) (Step, error) {
	m, first, n, err := k.window(at, after, w)
	if err != nil {
		return after, err
	}
	wanted, err := parseCode(code, m.params.Digits)
	if err != nil {
		return after, err
	}
	values, err := m.codes(first, n)
	if err != nil {
		return after, err
	}
	found := -1
	for i := range n {
		found = subtle.ConstantTimeSelect(equal(values[i], wanted), i, found)
	}
	return verdict(first, found, after)
}

// VerifyPair is [Key.Verify] for two codes that the user's device showed one after the
// other, in this order. It returns the later step, which must be in the window, as for a
// single code; the earlier code is that of the step before, and both steps must be
// greater than after. A device that passes with single codes therefore passes with its
// pairs, even one whose clock is as slow as the window allows. Guessing both codes is as
// hard as guessing one of twice the digits, which makes a pair a way in for the owner
// while single codes are throttled (RFC 4226, section 7.4 and appendix E).
//
// A pair whose later step is not after the given one is [ErrAlreadyUsed]: both codes are
// worthless. A pair of a used code and a fresh one is [ErrRejected] like any wrong pair:
// otherwise anybody who has seen the used code could find out which code comes next.
// Charge a try for each pair that is not malformed, whatever the answer is.
//
// Errors, time and allocations are those of Verify.
func (k Key) VerifyPair(first, second string, at time.Time, after Step, w Window) (Step, error) {
	m, start, n, err := k.window(at, after, w)
	if err != nil {
		return after, err
	}
	one, err := parseCode(first, m.params.Digits)
	if err != nil {
		return after, err
	}
	two, err := parseCode(second, m.params.Digits)
	if err != nil {
		return after, err
	}
	values, err := m.codes(start-1, n+1) // start is at least 1
	if err != nil {
		return after, err
	}
	found := -1
	for i := range n {
		// Both halves are always compared: stopping at a wrong first one would reveal
		// that it is wrong, and a pair would be two guesses of one code.
		match := equal(values[i], one) & equal(values[i+1], two)
		found = subtle.ConstantTimeSelect(match, i, found)
	}
	later, err := verdict(start, found, after)
	if err == nil && later == after+1 { // the earlier code was used, so nothing is said about the later one
		return after, ErrRejected
	}
	return later, err
}

// window checks what does not depend on the code, and returns the first step to try and how many.
func (k Key) window(at time.Time, after Step, w Window) (m *material, first Step, n int, err error) {
	switch {
	case k.IsZero():
		return nil, 0, 0, ErrNoKey
	case !w.valid():
		return nil, 0, 0, ErrWindow
	case after < 0:
		return nil, 0, 0, ErrTime
	}
	m = k.reveal()
	now := m.params.step(at)
	if now < 0 {
		return nil, 0, 0, ErrTime
	}
	// Step 0 and what lies before it can never be accepted, since after is not negative.
	first = max(now-Step(w.Past), 1)
	return m, first, int(now + Step(w.Future) - first + 1), nil
}

// verdict turns the last matching place of the window, -1 for none, into the answer. If the last match is not fresh,
// no earlier one is.
func verdict(first Step, found int, after Step) (Step, error) {
	if found < 0 {
		return after, ErrRejected
	}
	step := first + Step(found)
	if step <= after {
		return after, ErrAlreadyUsed
	}
	return step, nil
}

// equal is 1 if a and b are equal and 0 if not, in constant time. Codes stay below 2^31.
func equal(a, b uint32) int { return subtle.ConstantTimeEq(int32(a), int32(b)) }

// parseCode reads a code in the spellings of package typed. Number parsers would also
// accept "+12345" or "12_345".
func parseCode(code string, digits int) (value uint32, err error) {
	if value, ok := plainCode(code, digits); ok {
		return value, nil
	}
	var room [typed.Max]byte
	text, err := typed.Digits(room[:0], code, digits)
	if err != nil {
		return 0, malformed(err)
	}
	for _, c := range text {
		value = value*10 + uint32(c-'0')
	}
	return value, nil
}

// plainCode reads a code that consists only of its digits.
func plainCode(code string, digits int) (value uint32, ok bool) {
	if len(code) != digits {
		return 0, false
	}
	for i := range len(code) {
		c := code[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		value = value*10 + uint32(c-'0')
	}
	return value, true
}

// malformed returns [ErrMalformedCode] with the reason. The errors are made in advance,
// so that refusing allocates nothing.
func malformed(why error) error {
	if err, ok := malformedFor[why]; ok {
		return err
	}
	return ErrMalformedCode
}

var malformedFor = func() map[error]error {
	reasons := make(map[error]error)
	for _, why := range typed.Reasons() {
		reasons[why] = fmt.Errorf("%w: %w", ErrMalformedCode, why)
	}
	return reasons
}()
