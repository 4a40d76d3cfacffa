package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/totpflow/totpflow/store"
)

// users that a database may confuse with one another, or with something else.
var users = []string{
	"alice", "Alice", "ALICE", // case folding
	"alice ", " alice", "alice  ", " ", // trimming; CHAR and PAD SPACE collations
	"caf\u00e9", "cafe\u0301", "cafe", // normalisation; collations without accents
	"stra\u00dfe", "strasse", "\u0131", "i", "\u0130", "I", // special casing
	"1", "01", "1.0", "1e0", "0x1", "NULL", "null", "true", // columns that guess a type
	"%", "_", "a%", "*", "?", "[a-z]", // patterns
	"'", "''", `"`, "`", `\`, `\'`, "--", ";", "' OR '1'='1", "$1", "?1", ":a", "{alice}", // SQL, keys, placeholders
	"a/b", "a:b", "a|b", "../a", "a\u2028b", // separators
	"\u202ealice", "\u200balice", "\ufeffalice", "\ufffd", // invisible differences
	"\U0001f511", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010fffd", // outside the basic plane
	strings.Repeat("x", store.MaxID), strings.Repeat("x", store.MaxID-1), strings.Repeat("\U0001f511", store.MaxID/4), // cut ends
}

// idCases: records that must not be confused with one another.
var idCases = []testCase{
	{"tenants", "tenants that share user ids share nothing else", func(ctx context.Context, s store.Store) error {
		tenants := []string{"", "acme", "beta"}
		versions := make(map[string]store.Version)
		for _, tenant := range tenants {
			id := store.AccountID{Tenant: tenant, User: "alice"}
			if err := expectAbsent(ctx, s, id); err != nil {
				return err
			}
			v, err := put(ctx, s, id, "of "+tenant, store.Version{})
			if err != nil {
				return err
			}
			versions[tenant] = v
		}
		for _, tenant := range tenants {
			id := store.AccountID{Tenant: tenant, User: "alice"}
			if err := expectContent(ctx, s, id, "of "+tenant); err != nil {
				return err
			}
			for _, other := range tenants {
				if other == tenant {
					continue
				}
				_, err := put(ctx, s, id, "ghost", versions[other])
				if err := refused("Put over the version of another tenant", err, store.ErrConflict); err != nil {
					return err
				}
				if err := refused("Delete of the version of another tenant", s.Delete(ctx, id, versions[other]), store.ErrConflict); err != nil {
					return err
				}
			}
		}
		if err := s.Delete(ctx, store.AccountID{Tenant: "acme", User: "alice"}, versions["acme"]); err != nil {
			return err
		}
		for _, tenant := range []string{"", "beta"} {
			if err := expectContent(ctx, s, store.AccountID{Tenant: tenant, User: "alice"}, "of "+tenant); err != nil {
				return fmt.Errorf("after deleting in tenant acme: %w", err)
			}
		}
		return expectAbsent(ctx, s, store.AccountID{Tenant: "acme", User: "alice"})
	}},
	{"border of tenant and user", "no separator inside an id moves the border between tenant and user", func(ctx context.Context, s store.Store) error {
		return distinct(ctx, s, []store.AccountID{
			{User: "ab"}, {Tenant: "a", User: "b"}, {Tenant: "ab", User: "c"}, {Tenant: "a", User: "bc"},
			{Tenant: "a/b", User: "c"}, {Tenant: "a", User: "b/c"}, {Tenant: "a:b", User: "c"}, {Tenant: "a", User: "b:c"},
			{Tenant: "a|b", User: "c"}, {Tenant: "a", User: "b|c"}, {Tenant: "a b", User: "c"}, {Tenant: "a", User: "b c"},
			{User: "a/b"}, {User: "/a"}, {Tenant: "/", User: "a"}, {Tenant: "a", User: "/"},
		})
	}},
	{"hostile users", "ids are compared byte by byte: no folding, trimming, normalising, guessing, or reading as a pattern", func(ctx context.Context, s store.Store) error {
		var ids []store.AccountID
		for _, u := range users {
			ids = append(ids, store.AccountID{Tenant: "acme", User: u})
		}
		return distinct(ctx, s, ids)
	}},
	{"hostile tenants", "the tenant is compared like the user", func(ctx context.Context, s store.Store) error {
		var ids []store.AccountID
		for _, u := range users {
			ids = append(ids, store.AccountID{Tenant: u, User: "alice"})
		}
		if err := distinct(ctx, s, ids); err != nil {
			return err
		}
		for _, id := range ids {
			page, err := s.List(ctx, store.Query{Tenant: id.Tenant})
			if err != nil {
				return fmt.Errorf("tenant %+q: List: %w", id.Tenant, err)
			}
			if len(page.Records) != 1 || page.Records[0].ID != id {
				return fmt.Errorf("tenant %+q: List gives %d records, want its own one", id.Tenant, len(page.Records))
			}
		}
		return nil
	}},
	{"invalid ids", "an invalid id is ErrID everywhere, and never ErrNotFound, which would mean \"never enrolled\"", func(ctx context.Context, s store.Store) error {
		for _, id := range []store.AccountID{
			{}, {Tenant: "acme"}, {User: "a\x00b"}, {User: "a\nb"}, {Tenant: "a\x00", User: "b"}, {User: "\xff"},
			{User: strings.Repeat("x", store.MaxID+1)}, {Tenant: strings.Repeat("x", store.MaxID+1), User: "a"},
		} {
			_, err := s.Get(ctx, id)
			if err := refused("Get of "+name(id), err, store.ErrID); err != nil {
				return err
			}
			if err := refused("Put of "+name(id), s.Put(ctx, draft(id, "x"), store.Version{}), store.ErrID); err != nil {
				return err
			}
			if err := refused("Delete of "+name(id), s.Delete(ctx, id, store.NewVersion()), store.ErrID); err != nil {
				return err
			}
		}
		return nil
	}},
}

// distinct creates a record for each id and finds each of them again, exactly.
func distinct(ctx context.Context, s store.Store, ids []store.AccountID) error {
	for _, id := range ids {
		if _, err := put(ctx, s, id, name(id), store.Version{}); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := expectContent(ctx, s, id, name(id)); err != nil {
			return err
		}
	}
	return nil
}

// sizeCases: the limits of the contract, both sides.
var sizeCases = []testCase{
	{"bytes as they are", "Sealed is bytes: every value, none, and neither text nor trimmed", func(ctx context.Context, s store.Store) error {
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		was := store.Version{}
		for _, b := range [][]byte{nil, {}, {0}, {0, 0}, every, []byte("x\x00"), {0xff, 0xfe}, []byte("  "), bytes.Repeat([]byte{' '}, 300)} {
			rec := draft(alice, "")
			rec.Sealed = b
			if err := s.Put(ctx, rec, was); err != nil {
				return fmt.Errorf("writing %s: %w", brief(b), err)
			}
			if err := expect(ctx, s, rec); err != nil {
				return err
			}
			was = rec.Version
		}
		return nil
	}},
	{"sizes up to the limit", "a record at every limit is kept whole", func(ctx context.Context, s store.Store) error {
		was := store.Version{}
		id := store.AccountID{Tenant: strings.Repeat("\U0001f511", store.MaxID/4), User: strings.Repeat("\u00e9", store.MaxID/2)}
		for _, n := range []int{255, 256, 4095, 4096, 65535, store.MaxSealed} {
			rec := draft(id, "")
			rec.Sealed = bytes.Repeat([]byte{0xa5}, n)
			rec.Sealed[n-1] = byte(n)
			rec.State = strings.Repeat("s", store.MaxState)
			if err := s.Put(ctx, rec, was); err != nil {
				return fmt.Errorf("writing %d bytes: %w", n, err)
			}
			if err := expect(ctx, s, rec); err != nil {
				return err
			}
			was = rec.Version
		}
		return nil
	}},
	{"too large", "a record over a limit is refused, and the old one stays as it is", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "small")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		big := draft(alice, "")
		big.Sealed = make([]byte, store.MaxSealed+1)
		if err := refused("Put of a record too large", s.Put(ctx, big, rec.Version), store.ErrTooLarge); err != nil {
			return err
		}
		for _, state := range []string{strings.Repeat("s", store.MaxState+1), "a\x00", "\xff"} {
			odd := draft(alice, "odd")
			odd.State = state
			if err := refused(fmt.Sprintf("Put of state %+q", state), s.Put(ctx, odd, rec.Version), store.ErrRecord); err != nil {
				return err
			}
		}
		return expect(ctx, s, rec)
	}},
}
