package store

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// A Place is the position of a record in a list. The zero Place comes before every
// record.
type Place struct {
	ID  AccountID
	Due time.Time // the due time to the millisecond; zero in a list that is ordered by id alone
}

// Compare orders places by due time, then by id.
func (p Place) Compare(other Place) int {
	return cmp.Or(p.Due.Compare(other.Due), p.ID.Compare(other.ID))
}

// byDue begins the cursor of a list by due time. No tenant is that long.
const byDue = 0xff

// Cursor returns the cursor of the page that begins after p. It names a place in the
// order and not a count of records, so records that are added or deleted before it cause
// neither repetitions nor gaps.
func (p Place) Cursor() string {
	b := make([]byte, 0, 1+8+1+len(p.ID.Tenant)+len(p.ID.User))
	if !p.Due.IsZero() {
		b = append(b, byDue)
		b = binary.BigEndian.AppendUint64(b, uint64(p.Due.UnixMilli()))
	}
	b = append(b, byte(len(p.ID.Tenant))) // a length, as no separator is safe in an id; MaxID fits a byte
	b = append(b, p.ID.Tenant...)
	b = append(b, p.ID.User...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Cursor returns the cursor of the page that begins after id, in a list that is
// ordered by id.
func Cursor(id AccountID) string { return Place{ID: id}.Cursor() }

// ParseCursor returns the place in a cursor made by [Place.Cursor], and
// [ErrCursor] for anything else. A cursor comes back from a browser: it is
// hostile input, and not a permission.
func ParseCursor(s string) (Place, error) {
	if len(s) > base64.RawURLEncoding.EncodedLen(1+8+1+2*MaxID) {
		return Place{}, fmt.Errorf("%w: too long", ErrCursor)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return Place{}, fmt.Errorf("%w: not base64url", ErrCursor)
	}
	var p Place
	if len(b) > 8 && b[0] == byDue {
		p.Due = time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:9]))).UTC()
		b = b[9:]
	}
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return Place{}, fmt.Errorf("%w: too short", ErrCursor)
	}
	end := 1 + int(b[0])
	p.ID = AccountID{Tenant: string(b[1:end]), User: string(b[end:])}
	// The decoder skips line ends; only the spelling that Cursor makes counts.
	if p.ID.Validate() != nil || !validTime(p.Due) || p.Cursor() != s {
		return Place{}, fmt.Errorf("%w: not made by a list", ErrCursor)
	}
	return p, nil
}
