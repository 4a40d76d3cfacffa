package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/store"
)

// later is the limit that most lists by due time use.
var later = soon.Add(time.Hour)

// dueBefore returns the query for everything that is due.
func dueBefore(t time.Time, limit int) store.Query {
	return store.Query{AllTenants: true, DueBefore: t, Limit: limit}
}

// due writes a new record with a due time.
func due(ctx context.Context, s store.Store, id store.AccountID, at time.Time) (store.Record, error) {
	rec := draft(id, id.User)
	rec.Due = at
	return rec, s.Put(ctx, rec, store.Version{})
}

// dueCases: lists by due time.
var dueCases = []testCase{
	{"list by due time", "a list by due time holds exactly the records that are due before, in the order of their due times, to the millisecond", func(ctx context.Context, s store.Store) error {
		ms := time.Millisecond
		var want []store.AccountID
		for i, at := range []time.Time{
			time.Date(1, 1, 1, 0, 0, 0, 1e6, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0).Add(-ms), time.Unix(0, 0), time.Unix(0, 0).Add(ms),
			soon.Add(-256 * ms), soon.Add(-ms), soon, soon.Add(ms), soon.Add(256 * ms), later.Add(-ms),
			later, later.Add(time.Microsecond), later.Add(ms), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), {},
		} {
			id := store.AccountID{Tenant: strconv.Itoa(i % 3), User: strconv.Itoa(99 - i)} // neither order is that of the ids
			if _, err := due(ctx, s, id, at); err != nil {
				return err
			}
			if i < 11 {
				want = append(want, id)
			}
		}
		for _, limit := range []int{0, 1, 2, 3} {
			if err := expectList(ctx, s, dueBefore(later, limit), want); err != nil {
				return err
			}
		}
		if err := expectList(ctx, s, dueBefore(soon, 2), want[:7]); err != nil {
			return err
		}
		return expectList(ctx, s, dueBefore(time.Date(1, 1, 1, 0, 0, 0, 1e6, time.UTC), 0), nil)
	}},
	{"due at the same time", "records that are due in the same millisecond come in the order of their ids, each once, however small the pages", func(ctx context.Context, s store.Store) error {
		var ids []store.AccountID
		for _, tenant := range []string{"", "a", "a b", "b", "\U0001f511", "\uffee"} {
			for _, user := range []string{"10", "9", "Z", "a", "a b", "ab", "\u00e9"} {
				id := store.AccountID{Tenant: tenant, User: user}
				ids = append(ids, id)
				if _, err := due(ctx, s, id, soon.Add(time.Duration(len(ids)%3)*100*time.Microsecond)); err != nil {
					return err
				}
			}
		}
		first, last := store.AccountID{Tenant: "z", User: "z"}, store.AccountID{User: "!"}
		if _, err := due(ctx, s, first, soon.Add(-time.Millisecond)); err != nil {
			return err
		}
		if _, err := due(ctx, s, last, soon.Add(time.Millisecond)); err != nil {
			return err
		}
		slices.SortFunc(ids, store.AccountID.Compare)
		ids = append(append([]store.AccountID{first}, ids...), last)
		for _, limit := range []int{1, 2, 5, 0} {
			if err := expectList(ctx, s, dueBefore(later, limit), ids); err != nil {
				return err
			}
		}
		return nil
	}},
	{"due time moves", "a record is due when its last write says, and no longer when that says never, or when it is deleted", func(ctx context.Context, s store.Store) error {
		bob := store.AccountID{Tenant: "acme", User: "bob"}
		if _, err := due(ctx, s, bob, soon.Add(time.Second)); err != nil {
			return err
		}
		rec, err := due(ctx, s, alice, time.Time{})
		if err != nil {
			return err
		}
		for _, step := range []struct {
			at   time.Time
			want []store.AccountID
		}{
			{soon, []store.AccountID{alice, bob}}, {soon, []store.AccountID{alice, bob}}, {soon.Add(time.Minute), []store.AccountID{bob, alice}},
			{later, []store.AccountID{bob}}, {soon, []store.AccountID{alice, bob}}, {time.Time{}, []store.AccountID{bob}}, {time.Time{}, []store.AccountID{bob}},
			{soon, []store.AccountID{alice, bob}}, {soon.Add(time.Millisecond), []store.AccountID{alice, bob}},
		} {
			was := rec.Version
			rec.Version, rec.Due = store.NewVersion(), step.at
			if err := s.Put(ctx, rec, was); err != nil {
				return err
			}
			if err := expect(ctx, s, rec); err != nil {
				return err
			}
			if err := expectList(ctx, s, dueBefore(later, 0), step.want); err != nil {
				return fmt.Errorf("due %v: %w", step.at, err)
			}
		}
		stale := draft(alice, "stale")
		if err := refused("Put over another version", s.Put(ctx, stale, store.NewVersion()), store.ErrConflict); err != nil {
			return err
		}
		if err := s.Delete(ctx, alice, rec.Version); err != nil {
			return err
		}
		if err := expectList(ctx, s, dueBefore(later, 0), []store.AccountID{bob}); err != nil {
			return fmt.Errorf("after deleting: %w", err)
		}
		if _, err := due(ctx, s, alice, time.Time{}); err != nil {
			return err
		}
		return expectList(ctx, s, dueBefore(later, 0), []store.AccountID{bob})
	}},
	{"due list is whole", "a record in a list by due time is the stored record, all fields", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "\x00content\xff")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		page, err := s.List(ctx, dueBefore(later, 0))
		if err != nil || len(page.Records) != 1 {
			return fmt.Errorf("list by due time: %d records, %w", len(page.Records), errOr(err, "want one"))
		}
		return same(page.Records[0], rec)
	}},
	{"due while writing", "a record that stays is listed exactly once by its due time, whatever comes, goes and changes meanwhile", func(ctx context.Context, s store.Store) error {
		var stay []store.AccountID
		for i := range 60 {
			id := store.AccountID{Tenant: "acme", User: fmt.Sprintf("%03d", 2*(i*37%61)+1)}
			if _, err := due(ctx, s, id, soon.Add(time.Duration(i/4)*time.Millisecond)); err != nil {
				return err
			}
			stay = append(stay, id)
		}
		return pageThrough(ctx, s, dueBefore(later, 0), stay)
	}},
}
