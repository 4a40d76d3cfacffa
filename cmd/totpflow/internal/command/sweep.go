package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// A sweep is one of the library's runs over all records, with a journal that
// lets it go on after an interruption.
type sweep struct {
	file    *keyfile.File
	session *session
	journal keyfile.Journal
	what    string // the name of the run, for the progress
	run     func(ctx context.Context, cursor string, progress func(admin.Progress)) error
	broken  []store.AccountID // records that do not open, which were passed over
}

// lockKeys opens the key file and keeps others from changing it.
func (a *app) lockKeys() (f *keyfile.File, release func(), err error) {
	if f, err = a.openKeys(); err != nil {
		return nil, nil, err
	}
	if release, err = keyfile.Lock(f.Path()); err != nil {
		return nil, nil, err
	}
	if f, err = a.openKeys(); err != nil { // reads the file again, now that the lock keeps others from changing it
		release()
	}
	return f, release, err
}

// begin continues the journal of an operation, or starts a new one. It returns an error
// if the journal belongs to another database.
func (s *session) begin(f *keyfile.File, operation string) (j keyfile.Journal, resumed bool, err error) {
	j, resumed, err = f.Journal(operation)
	if err != nil {
		return j, false, err
	}
	here := s.db.URL().String()
	if resumed && j.Database != here {
		return j, false, fmt.Errorf("the interrupted run was for %s, and this one is for %s: finish the first one, or remove %s.%s",
			j.Database, here, f.Path(), operation)
	}
	if !resumed {
		j = keyfile.Journal{Operation: operation, Database: here, Began: time.Now().UTC().Truncate(time.Second)}
	}
	return j, resumed, nil
}

// survey counts the records, and those that are not under the newest key.
func survey(ctx context.Context, s store.Store, ring *keyring.Ring) (records, stale int, err error) {
	q := store.Query{AllTenants: true, Limit: store.MaxLimit}
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return 0, 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		for _, rec := range page.Records {
			records++
			if ring.Stale(rec.Sealed) {
				stale++
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return records, stale, nil
		}
	}
}

// sweep runs until the end. It skips records that do not open: one of them must not block
// the others.
func (a *app) sweep(ctx context.Context, sw *sweep, total int) error {
	bar := a.screen.NewProgress(sw.what, sw.journal.Seen, total)
	defer bar.End()
	seen, changed := sw.journal.Seen, sw.journal.Changed
	var noted error
	err := sw.run(ctx, sw.journal.Cursor, func(p admin.Progress) {
		sw.journal.Seen, sw.journal.Changed = seen+p.Seen, changed+p.Changed
		sw.broken = append(sw.broken, p.Unreadable...)
		bar.At(sw.journal.Seen)
		if p.Cursor == "" || noted != nil {
			return // the end: the journal is removed next
		}
		sw.journal.Cursor = p.Cursor
		noted = sw.file.Note(sw.journal)
	})
	switch {
	case errors.Is(err, admin.ErrUnreadable), err == nil:
		if noted != nil {
			return noted
		}
		return sw.file.Finish(sw.journal.Operation)
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted after %d records; run the same command again to continue", sw.journal.Seen)
	default:
		return fmt.Errorf("stopped after %d records: %w; run the same command again to continue", sw.journal.Seen, err)
	}
}

// brokenError returns the error about records that were skipped.
func (sw *sweep) brokenError() error {
	if len(sw.broken) == 0 {
		return nil
	}
	return unreadable{fmt.Errorf("%d records do not open and were skipped; totpflow keys check names them", len(sw.broken))}
}
