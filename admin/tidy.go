package admin

import (
	"context"
	"errors"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// Tidy goes over all records, a page at a time, and drops data that has expired since the
// record was last written: counts of messages that no limit needs, requests for a second
// administrator, replaced authenticators after their 72 hours, issued codes, browsers and
// used tickets that have expired. A record that holds nothing but such counts is deleted;
// an account's never is. No flow behaves differently afterwards: all of them ignore
// expired data.
//
// Run it once a day, by a ticker of the product or by the command "totpflow tidy". It
// may run while people sign in, and in several processes. A record without expired data
// is read once, with its page, and not written. An interrupted run continues from the
// cursor of the last progress. A service without Config.Phones does not know the limits
// of messages, and keeps their counts for phone.MaxPeriod. Records that do not open are
// skipped, and the error at the end is [ErrUnreadable]; any other error ends the run at
// once.
func (a Admin) Tidy(ctx context.Context, by Operator, cursor string, progress func(Progress)) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.tidy")
	defer flow.End(&err)
	if _, err := a.authoriseChange(ctx, by, "", store.AccountID{}); err != nil {
		return err
	}
	return a.tidy(ctx, cursor, progress, true)
}

// PreviewTidy reports what [Admin.Tidy] would do, and writes nothing.
func (a Admin) PreviewTidy(ctx context.Context, by Operator, cursor string, progress func(Progress)) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.preview_tidy")
	defer flow.End(&err)
	if err := a.authoriseView(ctx, by, store.AccountID{}); err != nil {
		return err
	}
	return a.tidy(ctx, cursor, progress, false)
}

func (a Admin) tidy(ctx context.Context, cursor string, progress func(Progress), write bool) error {
	var p Progress
	var passedOver error
	for page, err := range a.pages(ctx, cursor) {
		if err != nil {
			return err
		}
		p.Unreadable = nil
		for _, e := range page.Entries {
			changed, deleted, err := a.tidyOne(ctx, e, write)
			switch {
			case errors.Is(err, keyring.ErrOpen), errors.Is(err, keyring.ErrUnknownKey), errors.Is(err, account.ErrFormat):
				p.Unreadable = append(p.Unreadable, e.ID)
				passedOver = ErrUnreadable
			case err != nil:
				return err
			case deleted:
				p.Deleted++
			case changed:
				p.Changed++
			}
			p.Seen++
		}
		p.Cursor = page.Next
		if progress != nil {
			progress(p)
		}
	}
	return passedOver
}

func (a Admin) tidyOne(ctx context.Context, e engine.Entry, write bool) (changed, deleted bool, err error) {
	if e.Err != nil {
		return false, false, e.Err
	}
	return a.engine.TidyEntry(ctx, e, write)
}
