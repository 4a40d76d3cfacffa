package command

import (
	"context"
	"iter"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
)

// stored are the words by which the database selects the records of a state. They are
// those of the record's last change. As time passes, an account enters these states only from
// pending to disabled: a first set-up that is not confirmed. A weak secret that ends makes an enabled
// account required, so every record is read for required, and for enabled nearly every one
// would be.
var stored = map[string][]string{
	string(admin.StateFrozen):   {"frozen"},
	string(admin.StateExempt):   {string(enroll.Exempted)},
	string(admin.StateDisabled): {string(enroll.Disabled), string(enroll.Pending)},
	string(admin.StateGrace):    {string(enroll.Disabled), string(enroll.Pending)},
}

// members yields the accounts that are asked for, in the order of their ids, and counts
// the records that it reads and those that do not open. Where the database selects the
// records, others are not opened: noteUnopened says so.
func (a *app) members(ctx context.Context, s *session, l *listing) iter.Seq2[admin.Member, error] {
	q := store.Query{Tenant: l.tenant, AllTenants: l.all, Limit: store.MaxLimit}
	all := s.admin.List(ctx, s.by, q)
	for i, word := range stored[l.state] {
		q.State = word
		if some := s.admin.List(ctx, s.by, q); i > 0 {
			all = merged(all, some)
		} else {
			all = some
		}
	}
	return func(yield func(admin.Member, error) bool) {
		for m, err := range all {
			if err == nil {
				l.seen++
				if a.name(m.ID) != "" {
					l.named++
				}
				if m.State == admin.StateUnreadable {
					l.broken++
				}
				if l.state != "" && l.state != string(m.State) {
					continue
				}
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// merged yields the members of two lists in the order of their ids. A member that moves from
// one list to the other meanwhile is yielded once. It ends at the first error.
func merged(one, other iter.Seq2[admin.Member, error]) iter.Seq2[admin.Member, error] {
	return func(yield func(admin.Member, error) bool) {
		next, stop := iter.Pull2(other)
		defer stop()
		waiting, failed, more := next()
		for m, err := range one {
			for ; more && (failed != nil || err == nil && waiting.ID.Compare(m.ID) <= 0); waiting, failed, more = next() {
				if failed == nil && waiting.ID == m.ID {
					continue
				}
				if !yield(waiting, failed) || failed != nil {
					return
				}
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
		for ; more; waiting, failed, more = next() {
			if !yield(waiting, failed) || failed != nil {
				return
			}
		}
	}
}

// noteUnopened says how many records were not opened, because the database has them in
// another state: this list does not show whether they open.
func (a *app) noteUnopened(ctx context.Context, s *session, l *listing) error {
	t, err := s.admin.Tally(ctx, s.by, store.Query{Tenant: l.tenant, AllTenants: l.all})
	if n := t.Total - l.seen; n > 0 {
		a.screen.Note("%s in other states %s not opened; totpflow keys check opens all of them", screen.Plural(n, "record"), verb(n, "was", "were"))
	}
	return err
}
