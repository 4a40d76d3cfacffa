package store

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of the fields of a record, in bytes. They are part of the contract, so that a
// record which one store accepts fits every other.
const (
	MaxID     = 190       // each of AccountID.Tenant and AccountID.User; four-byte characters still fit an index of MySQL
	MaxState  = 32        // Record.State
	MaxSealed = 64 * 1024 // Record.Sealed
)

// Errors about arguments. They are returned before the database is asked, and nothing has
// been written.
var (
	ErrID       = errors.New("store: invalid id")
	ErrRecord   = errors.New("store: invalid record")
	ErrTooLarge = errors.New("store: record too large")
	ErrVersion  = errors.New("store: malformed version")
)

// An AccountID names an account: a user within a tenant. Both are opaque and compared
// byte by byte: "alice" and "Alice", and two Unicode spellings of one name, are
// different accounts, so the host passes its canonical id and not the text that was
// typed. Tenant is empty if there is only one.
type AccountID struct {
	Tenant string `json:"tenant,omitempty"`
	User   string `json:"user"`
}

// Validate returns an error wrapping [ErrID] unless User is not empty and both
// fields are valid UTF-8 of at most [MaxID] bytes without control characters.
// Databases disagree about everything refused here: some cut a string at NUL,
// some replace broken UTF-8, and either would merge two accounts.
func (i AccountID) Validate() error {
	if i.User == "" {
		return fmt.Errorf("%w: empty user", ErrID)
	}
	if err := validText("tenant", i.Tenant, MaxID); err != nil {
		return fmt.Errorf("%w: %w", ErrID, err)
	}
	if err := validText("user", i.User, MaxID); err != nil {
		return fmt.Errorf("%w: %w", ErrID, err)
	}
	return nil
}

// Compare orders ids by tenant, then by user, byte by byte: the order of
// [Store.List].
func (i AccountID) Compare(other AccountID) int {
	return cmp.Or(strings.Compare(i.Tenant, other.Tenant), strings.Compare(i.User, other.User))
}

// validText names the field and never repeats its content, which may be hostile and end
// up in a log.
func validText(field, s string, limit int) error {
	switch {
	case len(s) > limit:
		return fmt.Errorf("%s longer than %d bytes", field, limit)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s is not valid UTF-8", field)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s contains a control character", field)
	}
	return nil
}

// A Version is drawn by the writer for every write. It is random and not a
// counter, for two reasons. A record that was deleted and made again, or came from a
// backup, cannot have a version that an old reader still holds. And a writer whose
// acknowledgement was lost can find out by reading whether the write took place. The zero
// Version means that there is no record.
type Version [16]byte

// NewVersion draws 128 bits from crypto/rand.
func NewVersion() Version {
	var v Version
	rand.Read(v[:]) // never fails, see crypto/rand.Read
	return v
}

// ParseVersion reads what [Version.String] wrote: 32 lower-case hexadecimal
// digits. Anything else is [ErrVersion].
func ParseVersion(s string) (Version, error) {
	var v Version
	if len(s) != hex.EncodedLen(len(v)) {
		return Version{}, fmt.Errorf("%w: want %d digits", ErrVersion, hex.EncodedLen(len(v)))
	}
	// hex.Decode takes upper case too: two spellings of one version.
	if _, err := hex.Decode(v[:], []byte(s)); err != nil || v.String() != s {
		return Version{}, fmt.Errorf("%w: not lower-case hexadecimal", ErrVersion)
	}
	return v, nil
}

// IsZero reports whether v stands for "no record".
func (v Version) IsZero() bool { return v == Version{} }

// String returns v as 32 lower-case hexadecimal digits.
func (v Version) String() string { return hex.EncodeToString(v[:]) }

// A Record is the stored form of one account.
type Record struct {
	ID      AccountID
	Version Version   // a new random one for every write
	State   string    // plain word that lists select by; at most MaxState bytes; may be empty
	Sealed  []byte    // opaque to the store; at most MaxSealed bytes; nil and empty are the same
	Updated time.Time // the time of the write by the writer's clock; kept to the microsecond and returned in UTC

	// Due is when a program should look at the record again, such as to deliver
	// notifications that a crash left behind; [Query].DueBefore finds it. The zero time
	// means never. It is kept to the millisecond and returned in UTC.
	Due time.Time
}

// Validate returns the error with which a store must refuse the record before it writes:
// [ErrID], [ErrTooLarge] when Sealed exceeds [MaxSealed], and [ErrRecord] for a zero
// version, a state that is not a short text, or a time whose year is outside
// 1–9999.
func (r Record) Validate() error {
	if err := r.ID.Validate(); err != nil {
		return err
	}
	if r.Version.IsZero() {
		return fmt.Errorf("%w: zero version", ErrRecord)
	}
	if err := validText("state", r.State, MaxState); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if !validTime(r.Updated) || !validTime(r.Due) {
		return fmt.Errorf("%w: year out of range", ErrRecord)
	}
	if len(r.Sealed) > MaxSealed {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(r.Sealed), MaxSealed)
	}
	return nil
}

// validTime reports whether every store can keep t.
func validTime(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}
