package keyring

import "fmt"

// An envelope, as [Ring.Seal] returns it:
//
//	0        1        2            6              18 or 30
//	+--------+--------+------------+--------------+------------------+--------+
//	| 0x01   | suite  | key id     | nonce        | ciphertext       | tag    |
//	| version|        |            |              | as the plaintext | 16     |
//	+--------+--------+------------+--------------+------------------+--------+
//
//	suite 1   XChaCha20-Poly1305, nonce of 24 bytes
//	suite 2   AES-256-GCM, nonce of 12 bytes
//
// Associated data is the first six bytes, then each field, preceded by its length.
const (
	envelopeVersion = 1
	headerSize      = 2 + len(keyID{})
)

func appendHeader(dst []byte, su suite, id keyID) []byte {
	dst = append(dst, envelopeVersion, byte(su))
	return append(dst, id[:]...)
}

// parseHeader splits an envelope, without yet trusting any of it.
func parseHeader(sealed []byte) (su suite, id keyID, err error) {
	if len(sealed) < headerSize {
		return 0, id, ErrBroken
	}
	su = suite(sealed[1])
	if sealed[0] != envelopeVersion || su.String() == "" {
		return 0, id, ErrUnknownSuite
	}
	return su, keyID(sealed[2:headerSize]), nil
}

// Seal encrypts plaintext under the newest key and the ring's suite.
//
// The purpose names the kind of thing that this is, such as "account record"; it
// should be a constant. The associated data ad names its owner, for example
// tenant and user: it is not part of the result, but Open needs the same
// fields in the same order. Neither is kept secret by Seal.
//
// The result is len(plaintext) + 46 bytes with XChaCha20-Poly1305 and + 34 with
// AES-256-GCM; the latter allows 2³² seals for each key and purpose.
// Sealing the same twice gives two different results.
func (r *Ring) Seal(purpose string, plaintext []byte, ad ...string) []byte {
	st := r.state()
	k := st.newest()
	a, err := st.aead(st.suite, k, purpose)
	if err != nil {
		panic(err) // unreachable: Parse has built one of this suite
	}
	out := make([]byte, 0, headerSize+a.Overhead()+len(plaintext))
	out = appendHeader(out, st.suite, k.id)
	return a.Seal(out, nil, plaintext, associated(out, ad))
}

// Open returns the plaintext of an envelope that this ring, or a ring with one
// of its keys, sealed for the same purpose and associated data. Both suites
// open, whatever the ring's own.
//
// The error is [ErrUnknownKey], [ErrUnknownSuite] or [ErrBroken], and always
// [ErrOpen]; the plaintext is nil then. Every one of them means: refuse.
func (r *Ring) Open(purpose string, sealed []byte, ad ...string) ([]byte, error) {
	su, id, err := parseHeader(sealed)
	if err != nil {
		return nil, err
	}
	st := r.state()
	k, ok := st.find(id)
	if !ok {
		return nil, fmt.Errorf("%w: %v", ErrUnknownKey, id)
	}
	// The envelope names the suite, but nobody gains by changing it: each suite has its
	// own subkey, and the header is authenticated.
	a, err := st.aead(su, k, purpose)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownSuite, err)
	}
	plaintext, err := a.Open(nil, nil, sealed[headerSize:], associated(sealed[:headerSize], ad))
	if err != nil {
		return nil, ErrBroken
	}
	return plaintext, nil
}

// Stale reports whether an envelope should be sealed again, because it is not
// under the ring's newest key and suite. It reads only the header: false does not
// mean that the envelope opens.
func (r *Ring) Stale(sealed []byte) bool {
	su, id, err := parseHeader(sealed)
	st := r.state()
	return err != nil || len(st.keys) == 0 || id != st.keys[0].id || su != st.suite
}

// associated builds the data that the AEAD authenticates in addition to the ciphertext.
func associated(header []byte, ad []string) []byte {
	n := len(header)
	for _, f := range ad {
		n += 8 + len(f)
	}
	return appendFields(append(make([]byte, 0, n), header...), ad)
}

// KeyID returns the id of the key that an envelope says it was sealed under, as
// [Ring.IDs] spells it, without opening it: to count which keys are still in
// use. The error is [ErrBroken] or [ErrUnknownSuite].
func KeyID(sealed []byte) (string, error) {
	_, id, err := parseHeader(sealed)
	if err != nil {
		return "", err
	}
	return id.String(), nil
}
