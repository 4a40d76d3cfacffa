package trust

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/keyring"
)

const (
	// DefaultAge is how long a browser is trusted by default.
	DefaultAge = 30 * 24 * time.Hour
	// MaxAge is the longest a browser is ever trusted, whatever a policy says.
	MaxAge = 90 * 24 * time.Hour
)

// ErrNotTrusted matches, with [errors.Is], every error of [Check]. Do not show people
// more than that; the text and the wrapped errors are for the log.
var ErrNotTrusted = errors.New("trust: not trusted")

// The reasons that [Check] wraps together with [ErrNotTrusted]. A token that was not
// signed for this scope has [keyring.ErrBroken] or [keyring.ErrUnknownKey].
var (
	// ErrRevoked means that a token with a good signature belongs to no browser
	// that the account knows. Either it was revoked, or the key has leaked.
	ErrRevoked = errors.New("revoked or never known")
	// ErrExpired means that the token is older than the policy allows.
	ErrExpired = errors.New("expired")
	// ErrClock means that the token was issued or last seen in the future, more
	// than 30 seconds from now: the clock was put back.
	ErrClock = errors.New("from the future")
)

// Scope is where a token is valid.
type Scope struct {
	Tenant   string // may be empty where there is one tenant
	User     string // no token is valid for the empty user
	Audience string // the application, such as "console"; may be empty
}

// Issue makes a token for the request's browser, and the Browser for the account's
// record; add that with [Remember] and store it before the token is sent. Call it only
// for a person who has just shown a code.
//
// The label is cleaned: printable characters only, at most 80 bytes, "Browser"
// when none is left. The time is kept in whole seconds.
func Issue(r *keyring.Ring, s Scope, label string, at time.Time) (Token, Browser) {
	f := fields{name: nameOf(r, s), issued: at.Unix()}
	rand.Read(f.id[:]) // never returns an error
	rand.Read(f.secret[:])
	return f.token(r, s), Browser{
		ID:     hex.EncodeToString(f.id[:]),
		Label:  cleanLabel(label),
		Hash:   f.hash(),
		Issued: f.issuedAt(),
	}
}

// Select returns at most n of the tokens that a browser has shown: first those that
// [Token.Name] names after the scope, then the others in their order. A browser that
// many people share shows a token for each of them, and checking all of them would
// let a request with thousands of cookies make work. Tokens that an older key of the
// ring has signed are named differently, so they are among the others.
func Select(r *keyring.Ring, s Scope, shown []Token, n int) []Token {
	own := nameOf(r, s)
	var first, rest []Token
	for _, t := range shown {
		switch f, err := parse(t); {
		case err != nil:
		case f.name == own:
			first = append(first, t)
		default:
			rest = append(rest, t)
		}
	}
	first = append(first, rest...)
	return first[:min(n, len(first))]
}

// nameOf returns the keyed hash of the scope. It is a part of a MAC only: a reader of a
// cookie's name has not learnt a tag that would pass for something.
func nameOf(r *keyring.Ring, s Scope) (name [nameSize]byte) {
	copy(name[:], r.MAC(purposeName, s.Tenant, s.User, s.Audience)[keyring.TagSize-sha256.Size:])
	return name
}

// Check returns the browser among known, as it is kept there, to which token t belongs,
// if it was issued for this scope by this ring and epoch and its age is at most maxAge
// and [MaxAge]. To record the use, which prolongs nothing, set its Seen to at and
// [Remember] it; once a day is enough.
//
// The policy's age is an argument of the check and not of the issue, so that
// shortening it ends browsers that are trusted already; zero or less trusts
// none. Read known from the primary: a replica may not know of a revocation.
//
// The error is always [ErrNotTrusted], and the browser zero then.
func Check(r *keyring.Ring, s Scope, t Token, known []Browser, at time.Time, maxAge time.Duration) (Browser, error) {
	b, err := check(r, s, t, known, at, min(maxAge, MaxAge))
	if err != nil {
		return Browser{}, fmt.Errorf("%w: %w", ErrNotTrusted, err)
	}
	return b, nil
}

func check(r *keyring.Ring, s Scope, t Token, known []Browser, at time.Time, maxAge time.Duration) (Browser, error) {
	if s.User == "" {
		return Browser{}, errors.New("no user")
	}
	f, err := parse(t)
	if err != nil {
		return Browser{}, err
	}
	// Signature first: nothing of a token is looked up before we know that we
	// have written it.
	covered := signed(r, s, f.body())
	if err := r.VerifyMAC(purposeToken, f.tag(), covered[:]...); err != nil {
		return Browser{}, err
	}
	b, ok := f.find(known)
	if !ok {
		return Browser{}, ErrRevoked
	}
	// A browser that was seen later than now shows that a clock was put back. Expired
	// browsers would become valid again, so a code is required instead.
	if b.Issued.After(at.Add(skew.Tolerance)) || b.Seen.After(at.Add(skew.Tolerance)) {
		return Browser{}, ErrClock
	}
	if maxAge <= 0 || at.Sub(b.Issued) > maxAge {
		return Browser{}, ErrExpired
	}
	return b, nil
}

// find returns the browser that has the token's id, secret and time of issue.
// The time is compared because a list may be kept where others can write:
// dating a record back would not prolong the token.
func (f *fields) find(known []Browser) (Browser, bool) {
	var digits [2 * idSize]byte
	id, hash := hex.AppendEncode(digits[:0], f.id[:]), f.digits()
	for _, b := range known {
		if b.ID == string(id) &&
			subtle.ConstantTimeCompare([]byte(b.Hash), hash[:]) == 1 &&
			b.Issued.Equal(f.issuedAt()) {
			return b, true
		}
	}
	return Browser{}, false
}

// hash returns the hash of the secret that the record keeps. A plain hash is enough for
// 256 random bits (NIST SP 800-63B-4, section 3.1.2.2: from 112 bits on).
func (f *fields) hash() string {
	digits := f.digits()
	return string(digits[:])
}

func (f *fields) digits() (d [2 * sha256.Size]byte) {
	sum := sha256.Sum256(f.secret[:])
	hex.Encode(d[:], sum[:])
	return d
}
