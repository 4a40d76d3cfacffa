package etcdstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
)

// The keys of records and of entries by due time continue with these after the prefix.
// The prefix holds no NUL, so that no key of a store is one of another store, even where
// one prefix begins with the other.
const (
	accounts = "account\x00"
	overdue  = "due\x00"
)

// key returns the key of a record. No id holds a NUL, and nothing sorts before it: so
// keys are ordered as store.AccountID.Compare orders ids, even where one tenant begins
// with another.
func (s *Store) key(id store.AccountID) string { return s.prefix + accounts + member(id) }

func member(id store.AccountID) string { return id.Tenant + "\x00" + id.User }

// parseMember returns the id in a key, without what comes before it.
func parseMember(rest string, ours bool) (store.AccountID, error) {
	tenant, user, ok := strings.Cut(rest, "\x00")
	id := store.AccountID{Tenant: tenant, User: user}
	if !ours || !ok || id.Validate() != nil {
		return store.AccountID{}, errKey
	}
	return id, nil
}

// errKey means that a key under the prefix is not one that this package makes.
var errKey = errors.New("etcdstore: a key that is damaged or does not belong to this store")

// named returns an error that names the key, so that an operator finds it. No key of this
// store is longer than two ids and a prefix.
func named(key string, err error) error {
	return fmt.Errorf("%w: %.600q", err, key)
}

func (s *Store) parseKey(key string) (store.AccountID, error) {
	rest, ours := strings.CutPrefix(key, s.prefix+accounts)
	return parseMember(rest, ours)
}

// dueKey returns the key of the entry of a record with a due time, in the order of
// store.Place.Compare.
func (s *Store) dueKey(p store.Place) string {
	return s.prefix + overdue + string(appendDue(nil, p.Due)) + member(p.ID)
}

func (s *Store) parseDueKey(key string) (store.Place, error) {
	rest, ours := strings.CutPrefix(key, s.prefix+overdue)
	if len(rest) < dueSize {
		return store.Place{}, errKey
	}
	due, valid := dueOf([]byte(rest[:dueSize]))
	id, err := parseMember(rest[dueSize:], ours && valid && !due.IsZero())
	if err != nil {
		return store.Place{}, err
	}
	return store.Place{ID: id, Due: due}, nil
}

// span returns the first key of a list and the key before which it ends.
func (s *Store) span(q store.Query, after store.Place) (first, end string) {
	if !q.DueBefore.IsZero() {
		first, end = s.prefix+overdue, s.prefix+overdue+string(appendDue(nil, q.DueBefore))
		if after.ID != (store.AccountID{}) {
			first = s.dueKey(after) + "\x00"
		}
		return first, end
	}
	first, end = s.key(after.ID)+"\x00", clientv3.GetPrefixRangeEnd(s.prefix+accounts)
	if !q.AllTenants {
		end = s.prefix + accounts + q.Tenant + "\x01"
	}
	if after.ID == (store.AccountID{}) {
		// Not yet a record: the place where the tenant begins.
		first = s.prefix + accounts + q.Tenant + "\x00"
	}
	return first, end
}

const (
	format  = 1
	dueSize = 8
	prelude = 16 + 1 + dueSize // version, format, due
	head    = prelude + 8 + 1  // and updated, the length of state
)

// never is the due time of a record that has none.
var never = time.Time{}.UnixMilli()

// appendDue writes a due time as eight bytes in the order of time, and eight of
// zero for none.
func appendDue(b []byte, due time.Time) []byte {
	var order uint64
	if ms := due.UnixMilli(); ms != never {
		order = uint64(ms) ^ 1<<63 // the sign turned, so that times before 1970 come first
	}
	return binary.BigEndian.AppendUint64(b, order)
}

// dueOf reads what appendDue wrote, and nothing else.
func dueOf(b []byte) (due time.Time, valid bool) {
	order := binary.BigEndian.Uint64(b)
	if order == 0 {
		return time.Time{}, true
	}
	due = time.UnixMilli(int64(order ^ 1<<63)).UTC()
	return due, due.Year() >= 1 && due.Year() <= 9999 && !due.IsZero()
}

// begin returns the beginning of a record's value: the part that a write compares.
func begin(v store.Version, due time.Time) []byte {
	return appendDue(append(append(make([]byte, 0, head), v[:]...), format), due)
}

// encode writes a record as the package documentation describes it.
func encode(rec store.Record) string {
	b := begin(rec.Version, rec.Due)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.Updated.UnixMicro()))
	b = append(b, byte(len(rec.State))) // MaxState fits a byte
	b = append(b, rec.State...)
	b = append(b, rec.Sealed...)
	return string(b)
}

// decode reads what encode wrote, and nothing else. Sealed is a copy.
func decode(id store.AccountID, value []byte) (store.Record, error) {
	if len(value) < head {
		return store.Record{}, errors.New("etcdstore: a stored record is too short")
	}
	if value[16] != format {
		return store.Record{}, fmt.Errorf("etcdstore: a stored record has format %d, which this program does not know", value[16])
	}
	due, valid := dueOf(value[17:prelude])
	rec := store.Record{
		ID:      id,
		Version: store.Version(value[:16]),
		Updated: time.UnixMicro(int64(binary.BigEndian.Uint64(value[prelude:]))).UTC(),
		Due:     due,
	}
	rest, size := value[head:], int(value[head-1])
	if len(rest) < size || !valid {
		return store.Record{}, errors.New("etcdstore: a stored record is cut off, or its due time is not valid")
	}
	rec.State, rec.Sealed = string(rest[:size]), append([]byte{}, rest[size:]...)
	if err := rec.Validate(); err != nil {
		return store.Record{}, fmt.Errorf("etcdstore: a stored record is not valid: %w", err)
	}
	return rec, nil
}
