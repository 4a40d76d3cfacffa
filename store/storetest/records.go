package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/store"
)

// recordCases: one caller, one record.
var recordCases = []testCase{
	{"absent", "Get returns ErrNotFound where there is no record, and only there", func(ctx context.Context, s store.Store) error {
		if err := expectAbsent(ctx, s, alice); err != nil {
			return err
		}
		return expectAbsent(ctx, s, store.AccountID{User: "alice"})
	}},
	{"round trip", "what was written comes back: id, version, state, bytes, and the times, to the microsecond and the millisecond, in UTC", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "content")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		if err := expect(ctx, s, rec); err != nil {
			return err
		}
		// The zero time, one before 1970, and 1970 are times like others; only a due time
		// of zero means none.
		for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Date(1900, 1, 1, 0, 0, 0, 1000000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)} {
			was := rec.Version
			rec.Version, rec.Updated, rec.Due, rec.State = store.NewVersion(), at, at, ""
			if err := s.Put(ctx, rec, was); err != nil {
				return err
			}
			if err := expect(ctx, s, rec); err != nil {
				return err
			}
		}
		return nil
	}},
	{"read your write", "a Get that starts after a Put has returned sees it: no replica, no cache", func(ctx context.Context, s store.Store) error {
		was := store.Version{}
		for i := range 50 {
			rec := draft(alice, strconv.Itoa(i))
			if err := s.Put(ctx, rec, was); err != nil {
				return err
			}
			if err := expect(ctx, s, rec); err != nil {
				return fmt.Errorf("after write %d: %w", i, err)
			}
			was = rec.Version
		}
		return nil
	}},
	{"whole record", "a write replaces the whole record; nothing of the old one stays", func(ctx context.Context, s store.Store) error {
		was, err := put(ctx, s, alice, "a long content that a short one must not leave the end of", store.Version{})
		if err != nil {
			return err
		}
		rec := store.Record{ID: alice, Version: store.NewVersion(), State: "pending", Updated: noon.Add(time.Hour)}
		if err := s.Put(ctx, rec, was); err != nil {
			return err
		}
		return expect(ctx, s, rec)
	}},
	{"others untouched", "a write to one record changes no other", func(ctx context.Context, s store.Store) error {
		bob := draft(store.AccountID{Tenant: "acme", User: "bob"}, "bob")
		if err := s.Put(ctx, bob, store.Version{}); err != nil {
			return err
		}
		v, err := put(ctx, s, alice, "1", store.Version{})
		if err != nil {
			return err
		}
		if v, err = put(ctx, s, alice, "2", v); err != nil {
			return err
		}
		if err := s.Delete(ctx, alice, v); err != nil {
			return err
		}
		return expect(ctx, s, bob)
	}},
	{"copies in", "Sealed is copied on the way in: the caller may reuse its buffer", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "before")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		copy(rec.Sealed, "XXXXXX")
		return expectContent(ctx, s, alice, "before")
	}},
	{"copies out", "Sealed is copied on the way out: what a reader changes stays with the reader", func(ctx context.Context, s store.Store) error {
		if err := create(ctx, s, alice); err != nil {
			return err
		}
		got, err := s.Get(ctx, alice)
		if err != nil {
			return err
		}
		copy(got.Sealed, "XXXXX")
		if err := expectContent(ctx, s, alice, "alice"); err != nil {
			return fmt.Errorf("after changing what Get returned: %w", err)
		}
		page, err := s.List(ctx, store.Query{Tenant: "acme"})
		if err != nil || len(page.Records) != 1 {
			return fmt.Errorf("list of %d records: %w", len(page.Records), errOr(err, "want one"))
		}
		copy(page.Records[0].Sealed, "XXXXX")
		return expectContent(ctx, s, alice, "alice")
	}},
}

// versionCases: the comparison on which everything relies.
var versionCases = []testCase{
	{"create once", "a Put over the zero version writes only where there is no record", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "first")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		_, err := put(ctx, s, alice, "second", store.Version{})
		if err := refused("second create", err, store.ErrConflict); err != nil {
			return err
		}
		return expect(ctx, s, rec)
	}},
	{"stale version", "a Put over a version that is no longer stored writes nothing and returns ErrConflict", func(ctx context.Context, s store.Store) error {
		old, err := put(ctx, s, alice, "1", store.Version{})
		if err != nil {
			return err
		}
		rec := draft(alice, "2")
		if err := s.Put(ctx, rec, old); err != nil {
			return err
		}
		for _, was := range []store.Version{old, {}, store.NewVersion()} {
			_, err := put(ctx, s, alice, "3", was)
			if err := refused("Put over a stale version", err, store.ErrConflict); err != nil {
				return err
			}
			if err := expect(ctx, s, rec); err != nil {
				return fmt.Errorf("after the refusal: %w", err)
			}
		}
		return nil
	}},
	{"absent under a version", "a Put over a version where there is no record creates none", func(ctx context.Context, s store.Store) error {
		_, err := put(ctx, s, alice, "ghost", store.NewVersion())
		if err := refused("Put over a version of nothing", err, store.ErrConflict); err != nil {
			return err
		}
		return expectAbsent(ctx, s, alice)
	}},
	{"near versions", "all sixteen bytes of the version are compared", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "1")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		for i := range rec.Version {
			near := rec.Version
			near[i] ^= 0x20 // the bit that distinguishes upper from lower case
			_, err := put(ctx, s, alice, "2", near)
			if err := refused(fmt.Sprintf("Put over a version that differs in byte %d", i), err, store.ErrConflict); err != nil {
				return err
			}
		}
		return expect(ctx, s, rec)
	}},
	{"version must move", "a record whose version is zero, or the one it replaces, is refused with ErrRecord", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "1")
		rec.Version = store.Version{}
		if err := refused("Put of a zero version", s.Put(ctx, rec, store.Version{}), store.ErrRecord); err != nil {
			return err
		}
		if err := expectAbsent(ctx, s, alice); err != nil {
			return err
		}
		rec = draft(alice, "1")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		again := draft(alice, "2")
		again.Version = rec.Version
		if err := refused("Put of the same version", s.Put(ctx, again, rec.Version), store.ErrRecord); err != nil {
			return err
		}
		return expect(ctx, s, rec)
	}},
	{"delete", "Delete removes the record of exactly that version; an absent record is ErrConflict", func(ctx context.Context, s store.Store) error {
		old, err := put(ctx, s, alice, "1", store.Version{})
		if err != nil {
			return err
		}
		rec := draft(alice, "2")
		if err := s.Put(ctx, rec, old); err != nil {
			return err
		}
		for _, was := range []store.Version{old, {}, store.NewVersion()} {
			if err := refused("Delete of another version", s.Delete(ctx, alice, was), store.ErrConflict); err != nil {
				return err
			}
			if err := expect(ctx, s, rec); err != nil {
				return fmt.Errorf("after the refusal: %w", err)
			}
		}
		if err := s.Delete(ctx, alice, rec.Version); err != nil {
			return err
		}
		if err := expectAbsent(ctx, s, alice); err != nil {
			return err
		}
		for _, was := range []store.Version{rec.Version, {}} {
			if err := refused("Delete of nothing", s.Delete(ctx, alice, was), store.ErrConflict); err != nil {
				return err
			}
		}
		return nil
	}},
	{"deleted and created again", "after a Delete no old version writes or deletes again, whatever was made since", func(ctx context.Context, s store.Store) error {
		first, err := put(ctx, s, alice, "1", store.Version{})
		if err != nil {
			return err
		}
		last, err := put(ctx, s, alice, "2", first)
		if err != nil {
			return err
		}
		if err := s.Delete(ctx, alice, last); err != nil {
			return err
		}
		for _, was := range []store.Version{first, last} {
			_, err := put(ctx, s, alice, "ghost", was)
			if err := refused("Put over the version of a deleted record", err, store.ErrConflict); err != nil {
				return err
			}
		}
		if err := expectAbsent(ctx, s, alice); err != nil {
			return err
		}
		rec := draft(alice, "again")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		for _, was := range []store.Version{first, last} {
			_, err := put(ctx, s, alice, "ghost", was)
			if err := refused("Put over a version from before the Delete", err, store.ErrConflict); err != nil {
				return err
			}
			if err := refused("Delete of a version from before", s.Delete(ctx, alice, was), store.ErrConflict); err != nil {
				return err
			}
		}
		return expect(ctx, s, rec)
	}},
}

// errOr returns err, or an error with the words if there is none.
func errOr(err error, words string) error {
	if err != nil {
		return err
	}
	return errors.New(words)
}
