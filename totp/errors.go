package totp

import (
	"errors"
	"fmt"
)

// Errors of [Key.Verify], [Key.VerifyPair] and the code makers. They are returned as they are, so that refusing a wrong
// code allocates nothing; ErrMalformedCode may be wrapped with the reason.
var (
	// ErrMalformedCode means that the text cannot be a code: not exactly as many digits as the key has, in any spelling
	// that [Key.Verify] reads, or longer than 128 bytes. Its text says why, and repeats
	// nothing of the input. Nothing was computed, so do not charge it as a guess.
	ErrMalformedCode = errors.New("totp: malformed code")

	// ErrRejected means that the code belongs to no step of the window: a wrong guess.
	ErrRejected = errors.New("totp: code rejected")

	// ErrAlreadyUsed means that the code is right for a step of the window which is not after the last accepted one:
	// a replay, or an owner who typed it twice. For a pair it refers to the later code only.
	ErrAlreadyUsed = errors.New("totp: code already used")

	// ErrNoKey means that the [Key] is the zero value, which has no secret and accepts nothing.
	ErrNoKey = errors.New("totp: no key")

	// ErrWindow means that a [Window] is negative or spans more than five steps.
	ErrWindow = errors.New("totp: bad window")

	// ErrTime means that a time or a step is before 1970, where RFC 6238 has no steps.
	ErrTime = errors.New("totp: time before 1970")
)

// Errors of the makers and parsers of keys, wrapped with the reason. No message repeats any part of the input,
// which may be a secret.
var (
	// ErrSecret means that a secret is not base32, too short (under 128 bits, and for [ReadURI] and [ReadSecret] under
	// 80), too long, all zeros, or could not be drawn.
	ErrSecret = errors.New("totp: bad secret")

	// ErrSample means that a secret is an example from documentation, so that anybody can
	// make its codes. It is an ErrSecret too.
	ErrSample = fmt.Errorf("%w: an example from documentation, which everybody knows", ErrSecret)

	// ErrParams means that algorithm, digits or period are outside of what [Params] allows.
	ErrParams = errors.New("totp: bad parameters")

	// ErrURI means that a text is not a key URI that this package accepts. It is joined
	// with ErrSecret, ErrParams or ErrLabel when one part is to blame.
	ErrURI = errors.New("totp: bad key URI")

	// ErrLabel means that an issuer or account name is not allowed in a key URI.
	ErrLabel = errors.New("totp: bad label")
)
