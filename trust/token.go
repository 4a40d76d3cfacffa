package trust

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/keyring"
)

// Token is the value of the browser's cookie. It is a credential:
// string(t) is the only way to it, while fmt and slog print it redacted and
// encoders such as JSON get an error. Being a string, it cannot hide from fmt
// in an unexported field, nor from JSON as the key of a map: do not keep it in
// structures.
//
// Inside it is 102 bytes, big-endian, and outside always 136 characters of
// base64url, without padding and without a second spelling:
//
//	0        1        10           26         34            66                102
//	+--------+--------+------------+----------+-------------+-----------------+
//	| 0x01   | name   | browser id | issued   | secret      | tag             |
//	| version| 9      | 16         | seconds  | 32          | key id, HMAC    |
//	+--------+--------+------------+----------+-------------+-----------------+
//
// The tag is [keyring.Ring.MAC] for the purpose "trust token" over tenant, user,
// audience, the epoch in decimal, and the bytes before the tag.
type Token string

const (
	version   = 1
	nameSize  = 9
	idSize    = 16
	keptSize  = 32
	bodySize  = 1 + nameSize + idSize + 8 + keptSize
	tokenSize = bodySize + keyring.TagSize
)

const (
	purposeToken = "trust token"
	purposeName  = "trust name"
)

var errMalformed = errors.New("malformed token")

// fields is a token taken apart.
type fields struct {
	name   [nameSize]byte
	id     [idSize]byte
	issued int64 // seconds since 1970
	secret [keptSize]byte
	raw    [tokenSize]byte // the whole token, if it was parsed
}

// body is all that the tag covers.
func (f *fields) body() []byte { return f.raw[:bodySize] }

func (f *fields) tag() []byte { return f.raw[bodySize:] }

// appendBody appends what the tag covers.
func (f *fields) appendBody(dst []byte) []byte {
	dst = append(dst, version)
	dst = append(dst, f.name[:]...)
	dst = append(dst, f.id[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.issued))
	return append(dst, f.secret[:]...)
}

// token signs the fields for a scope.
func (f *fields) token(r *keyring.Ring, s Scope) Token {
	body := f.appendBody(make([]byte, 0, tokenSize))
	covered := signed(r, s, body)
	tag := r.MAC(purposeToken, covered[:]...)
	return Token(base64.RawURLEncoding.EncodeToString(append(body, tag...)))
}

// parse takes a token apart without trusting it. The length is compared before
// any work, so that a cookie of megabytes costs nothing. It also settles that
// there is one spelling: 102 bytes fill 136 characters to the last bit, and of 136
// characters with a line break among them, which the decoder skips, it makes fewer.
func parse(t Token) (fields, error) {
	if len(t) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return fields{}, errMalformed
	}
	var f fields
	if n, err := base64.RawURLEncoding.Decode(f.raw[:], []byte(t)); err != nil || n != tokenSize || f.raw[0] != version {
		return fields{}, errMalformed
	}
	rest := f.raw[1:]
	rest = rest[copy(f.name[:], rest):]
	rest = rest[copy(f.id[:], rest):]
	f.issued = int64(binary.BigEndian.Uint64(rest))
	copy(f.secret[:], rest[8:])
	return f, nil
}

// signed returns what the tag is made over. The epoch is not in the token: it is the
// ring's current one, so that raising it ends every token.
func signed(r *keyring.Ring, s Scope, body []byte) [5]string {
	return [...]string{s.Tenant, s.User, s.Audience, strconv.FormatUint(uint64(r.Epoch()), 10), string(body)}
}

// Name returns 12 characters of A-Z, a-z, 0-9, "-" and "_" for the name of the
// cookie. They differ by tenant, user and audience, so that two people who share
// a browser do not overwrite each other's token, and they are keyed, so that somebody who
// sees the cookie's name cannot tell whose it is. It is empty for a token that is
// malformed.
//
// Tokens that different keys of a ring have signed have different names.
func (t Token) Name() string {
	f, err := parse(t)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(f.name[:])
}

const redacted = "trust.Token(redacted)"

// String returns a fixed text that reveals nothing about the token.
func (t Token) String() string { return redacted }

// Format prints [Token.String] for every verb and flag.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns [Token.String].
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText always returns an error. An agent that keeps its token in a file would
// store a redacted text in good faith, and the token itself would end up in logs that are
// written as JSON: use string(t) where it is meant.
func (t Token) MarshalText() ([]byte, error) {
	return nil, errors.New("trust: a Token is not marshalled; convert it with string(t)")
}

// issuedAt returns the time in a token, which counts whole seconds.
func (f *fields) issuedAt() time.Time { return time.Unix(f.issued, 0).UTC() }
