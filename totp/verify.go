package totp

import (
	"crypto/subtle"
	"time"
)

// maxCode is how many bytes of typed text are looked at. Eight digits grouped in any sensible way fit.
const maxCode = 32

// Verify reports which step of the window around at the code belongs to. Only steps greater than after are accepted;
// after is the last step that was accepted for this key, or 0 if none was. Keep the answer as the next after: until it is
// stored, the code can be used again (see the package comment).
//
// ASCII spaces and hyphens in code are ignored, as in "123 456". Whatever the spelling, a code is one step, and the step is
// what gets used up.
//
// By coincidence two steps of a window may have the same code. Verify then answers with the later one, so that the same
// digits do not pass a second time as the other; the owner loses one code that is nearly over.
//
// The error is [ErrMalformedCode], [ErrRejected] or [ErrAlreadyUsed] about the code, and [ErrNoKey], [ErrWindow] or
// [ErrTime] (at before 1970, or after negative) about the rest; the step is then 0. Every step of the window is
// computed and compared in constant time, whether and where the code matches. Verify does not allocate, except inside
// the FIPS 140-3 module.
func (k Key) Verify(code string, at time.Time, after Step, w Window) (Step, error) {
	m, first, n, err := k.window(at, after, w)
	if err != nil {
		return 0, err
	}
	typed, ok := parseCode(code, m.params.Digits)
	if !ok {
		return 0, ErrMalformedCode
	}
	values, err := m.codes(first, n)
	if err != nil {
		return 0, err
	}
	found := -1
	for i := range n {
		found = subtle.ConstantTimeSelect(equal(values[i], typed), i, found)
	}
	return verdict(first, found, after)
}

// VerifyPair is [Key.Verify] for two codes that the user's device showed one after the other: it accepts first and second
// only as the codes of two consecutive steps of the window, in this order, both greater than after, and answers with
// the later step. Guessing both is as hard as guessing one of twice the digits, which makes it a way in for the
// owner while single codes are throttled (RFC 4226, section 7.4 and appendix E).
//
// Errors, time and allocations are those of Verify. A window of a single step has no pair: [ErrWindow].
func (k Key) VerifyPair(first, second string, at time.Time, after Step, w Window) (Step, error) {
	m, start, n, err := k.window(at, after, w)
	if err != nil {
		return 0, err
	}
	if w.Past+w.Future < 1 {
		return 0, ErrWindow
	}
	one, ok1 := parseCode(first, m.params.Digits)
	two, ok2 := parseCode(second, m.params.Digits)
	if !ok1 || !ok2 {
		return 0, ErrMalformedCode
	}
	values, err := m.codes(start, n)
	if err != nil {
		return 0, err
	}
	found := -1
	for i := range n - 1 {
		// Both halves are always compared: stopping at a wrong first one would tell that it is wrong, and a pair
		// would be two guesses of one code.
		match := equal(values[i], one) & equal(values[i+1], two)
		found = subtle.ConstantTimeSelect(match, i, found)
	}
	earlier, err := verdict(start, found, after)
	if err != nil {
		return 0, err
	}
	return earlier + 1, nil
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
		return 0, ErrRejected
	}
	step := first + Step(found)
	if step <= after {
		return 0, ErrAlreadyUsed
	}
	return step, nil
}

// equal is 1 if a and b are equal and 0 if not, in constant time. Codes stay below 2^31.
func equal(a, b uint32) int { return subtle.ConstantTimeEq(int32(a), int32(b)) }

// parseCode reads exactly digits ASCII digits, ignoring ASCII spaces and hyphens. Parsers of numbers would also take
// "+12345", "12_345" or digits of other scripts, and with them several spellings of one code.
func parseCode(code string, digits int) (value uint32, ok bool) {
	if len(code) > maxCode {
		return 0, false
	}
	n := 0
	for i := range len(code) {
		switch c := code[i]; {
		case c == ' ' || c == '-':
		case c < '0' || c > '9' || n == digits:
			return 0, false
		default:
			value = value*10 + uint32(c-'0')
			n++
		}
	}
	return value, n == digits
}
