package keyring

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Ring holds the keys of a program, newest first. [Parse] makes one; it does
// not change afterwards and is safe for concurrent use.
//
// A Ring prints as its suite, epoch and key ids, which are not secrets, with
// every verb of fmt, in JSON and in slog.
//
// The zero Ring and a nil *Ring open and verify nothing ([ErrUnknownKey]); to
// seal or sign with one is a programming error and panics, because bytes that
// can never be opened again must not reach a store.
type Ring struct {
	// The keys live behind a function, because fmt and encoders walk into
	// fields by reflection: redaction methods are not called on a Ring inside
	// somebody's unexported field, but a function shows only its address.
	reveal func() *state
}

// state is the content of a Ring.
type state struct {
	keyset
	subkeys cache
}

// Parse reads a ring in its string form. One line end after it is accepted.
//
// It returns [ErrMalformed] for anything but the canonical form: an unknown
// version or suite, an epoch of zero, keys that are not of 256 bits, zero or
// doubled, more than 32 of them. It returns [ErrUnknownSuite] when FIPS 140-3
// is enforced (GODEBUG=fips140=only) and does not allow the ring's suite.
func Parse(s string) (*Ring, error) {
	ks, err := decode(s)
	if err != nil {
		return nil, err
	}
	st := &state{keyset: ks}
	// Seal has no error to return, so every possible failure must show now.
	if _, err := st.suite.newAEAD(make([]byte, keySize)); err != nil {
		return nil, fmt.Errorf("%w: %v is not available: %w", ErrUnknownSuite, st.suite, err)
	}
	return &Ring{reveal: func() *state { return st }}, nil
}

// Epoch returns the ring's epoch, from 1; zero for the zero Ring.
// Signers put it under their MAC, so that [RaiseEpoch] ends what they signed.
func (r *Ring) Epoch() uint32 { return r.state().epoch }

// IDs returns the ids of the keys, newest first. They are not secret.
func (r *Ring) IDs() []string {
	st := r.state()
	ids := make([]string, len(st.keys))
	for i, k := range st.keys {
		ids[i] = k.id.String()
	}
	return ids
}

// state returns an empty one for the zero Ring, in which no key is found.
func (r *Ring) state() *state {
	if r == nil || r.reveal == nil {
		return &state{}
	}
	return r.reveal()
}

// newest returns the key that seals and signs.
func (s *state) newest() *key {
	if len(s.keys) == 0 {
		panic("keyring: use of a Ring that Parse did not return")
	}
	return &s.keys[0]
}

func (s *state) find(id keyID) (*key, bool) {
	for i := range s.keys {
		if s.keys[i].id == id {
			return &s.keys[i], true
		}
	}
	return nil, false
}

// The printing methods have value receivers, so that *r is covered like r.

// String returns the ring's suite, epoch and key ids.
func (r Ring) String() string {
	st := r.state()
	if len(st.keys) == 0 {
		return "keyring.Ring(empty)"
	}
	return fmt.Sprintf("keyring.Ring(%v, epoch %d, keys %s)", st.suite, st.epoch, strings.Join(r.IDs(), " "))
}

// Format prints [Ring.String] for every verb and flag.
func (r Ring) Format(f fmt.State, _ rune) { io.WriteString(f, r.String()) }

// LogValue returns [Ring.String].
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText returns [Ring.String], for encoders that meet a Ring in a dump
// of somebody's configuration. A Ring cannot be read back from it.
func (r Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
