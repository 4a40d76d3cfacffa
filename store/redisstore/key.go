package redisstore

import (
	"errors"
	"strings"

	"github.com/totpflow/totpflow/store"
)

// member is an id in the index and at the end of a record's key. Redis orders
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
func span(q store.Query, after store.AccountID) (first, last string) {
	first, last = "("+member(after), "+"
	if !q.AllTenants {
		last = "(" + q.Tenant + "\x01"
	}
	if after == (store.AccountID{}) {
		// Not yet a member: the place where the tenant begins.
		first = "[" + q.Tenant + "\x00"
	}
	return first, last
}
