package recovery

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/crypto/argon2"
)

const (
	passes    = 1
	memory    = 1 << 10 // KiB
	threads   = 1
	sumLength = 32

	saltLength = 16
)

// slots bounds the derivations at once: at most 4 MiB and four cores of a
// process go into recovery codes.
var slots = make(chan struct{}, 4)

// idKey is Argon2id (RFC 9106); a variable so that tests can count its calls.
var idKey = argon2.IDKey

type (
	salt [saltLength]byte
	sum  [sumLength]byte
)

// derive returns the hash of a normalised code. The caller holds a slot.
func derive(code string, s salt) (out sum) {
	copy(out[:], idKey([]byte(code), s[:], passes, memory, threads, sumLength))
	return out
}

// A Digest is an attempt after the slow half: it matches or does not match one
// code of one set. It is safe for concurrent use and shows nothing when
// printed. The zero Digest belongs to no set.
type Digest struct {
	reveal func() (salt, sum) // a closure: fmt and encoders do not look into it, at any depth
}

// Derive does the slow half of an attempt: one Argon2id, a millisecond or so, for every
// well-formed code, even when the set is empty. It waits while four others run in this
// process, and returns ctx's error (wrapped) when ctx ends first. For text that cannot be
// a code it returns [ErrMalformed] before any work.
func (s Set) Derive(ctx context.Context, code string) (Digest, error) {
	code, err := Normalize(code)
	if err != nil {
		return Digest{}, err
	}
	if err := ctx.Err(); err != nil { // the select below may prefer a free slot to a dead context
		return Digest{}, fmt.Errorf("recovery: not derived: %w", err)
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return Digest{}, fmt.Errorf("recovery: not derived: %w", ctx.Err())
	}
	defer func() { <-slots }()
	of := s.s.Salt
	out := derive(code, of)
	return Digest{reveal: func() (salt, sum) { return of, out }}, nil
}

const redacted = "recovery.Digest(redacted)"

// Format writes a placeholder for every verb.
func (d Digest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (d Digest) LogValue() slog.Value { return slog.StringValue(redacted) }
