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

// key is where a record is. No id holds a NUL, and nothing comes before it: so
// keys are ordered as store.AccountID.Compare orders ids, also where a tenant begins
// with another one.
func (s *Store) key(id store.AccountID) string { return s.prefix + id.Tenant + "\x00" + id.User }

func (s *Store) parseKey(key string) (store.AccountID, error) {
	rest, ours := strings.CutPrefix(key, s.prefix)
	tenant, user, ok := strings.Cut(rest, "\x00")
	id := store.AccountID{Tenant: tenant, User: user}
	if !ours || !ok || id.Validate() != nil {
		return store.AccountID{}, errors.New("etcdstore: a key that is not of this store")
	}
	return id, nil
}

// span returns the first key of a list and the key before which it ends.
func (s *Store) span(q store.Query, after store.AccountID) (first, end string) {
	first, end = s.key(after)+"\x00", clientv3.GetPrefixRangeEnd(s.prefix)
	if !q.AllTenants {
		end = s.prefix + q.Tenant + "\x01"
	}
	if after == (store.AccountID{}) {
		// Not yet a record: the place where the tenant begins.
		first = s.prefix + q.Tenant + "\x00"
	}
	return first, end
}

const format = 1

// encode writes a record as the package documentation has it. The version comes
// first, for stored.
func encode(rec store.Record) string {
	b := make([]byte, 0, 16+1+8+1+len(rec.State)+len(rec.Sealed))
	b = append(b, rec.Version[:]...)
	b = append(b, format)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.Updated.UnixMicro()))
	b = append(b, byte(len(rec.State))) // MaxState fits a byte
	b = append(b, rec.State...)
	b = append(b, rec.Sealed...)
	return string(b)
}

// decode reads what encode wrote, and nothing else. Sealed is a copy.
func decode(id store.AccountID, value []byte) (store.Record, error) {
	const head = 16 + 1 + 8 + 1
	if len(value) < head {
		return store.Record{}, errors.New("etcdstore: a stored record is too short")
	}
	if value[16] != format {
		return store.Record{}, fmt.Errorf("etcdstore: a stored record has format %d, which this program does not know", value[16])
	}
	rec := store.Record{
		ID:      id,
		Version: store.Version(value[:16]),
		Updated: time.UnixMicro(int64(binary.BigEndian.Uint64(value[17:25]))).UTC(),
	}
	rest, size := value[head:], int(value[25])
	if len(rest) < size {
		return store.Record{}, errors.New("etcdstore: a stored record is too short")
	}
	rec.State, rec.Sealed = string(rest[:size]), append([]byte{}, rest[size:]...)
	if err := rec.Validate(); err != nil {
		return store.Record{}, fmt.Errorf("etcdstore: a stored record is not valid: %w", err)
	}
	return rec, nil
}
