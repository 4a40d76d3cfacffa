package redisstore

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/totpflow/totpflow/store"
)

// member returns an id in the index and at the end of a record's key. Redis orders
// members byte by byte, and no id holds a NUL, so this order is that of
// store.AccountID.Compare: a tenant that begins with another one comes after it.
func member(id store.AccountID) string { return id.Tenant + "\x00" + id.User }

func parseMember(s string) (store.AccountID, error) {
	tenant, user, ok := strings.Cut(s, "\x00")
	id := store.AccountID{Tenant: tenant, User: user}
	if !ok || id.Validate() != nil {
		return store.AccountID{}, errors.New("redisstore: a malformed member of the index")
	}
	return id, nil
}

// span returns the ends of a list's range, as ZRANGEBYLEX spells them.
func span(q store.Query, after store.Place) (first, last string) {
	if !q.DueBefore.IsZero() {
		first, last = "-", "("+dueBytes(q.DueBefore)
		if after.ID != (store.AccountID{}) {
			first = "(" + dueBytes(after.Due) + member(after.ID)
		}
		return first, last
	}
	first, last = "("+member(after.ID), "+"
	if !q.AllTenants {
		last = "(" + q.Tenant + "\x01"
	}
	if after.ID == (store.AccountID{}) {
		// Not yet a member: the place where the tenant begins.
		first = "[" + q.Tenant + "\x00"
	}
	return first, last
}

// never is the due time of a record that has none.
var never = time.Time{}.UnixMilli()

// dueBytes returns a due time in milliseconds as eight bytes in the order of time, and
// empty where there is none. They begin the record's member of the index by due
// time.
func dueBytes(due time.Time) string {
	ms := due.UnixMilli()
	if ms == never {
		return ""
	}
	return string(binary.BigEndian.AppendUint64(nil, uint64(ms)^1<<63)) // the sign turned, so that times before 1970 come first
}

func parseDue(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if len(s) != 8 {
		return time.Time{}, errMalformed
	}
	due := time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(s)) ^ 1<<63)).UTC()
	if y := due.Year(); due.IsZero() || y < 1 || y > 9999 {
		return time.Time{}, errMalformed
	}
	return due, nil
}
