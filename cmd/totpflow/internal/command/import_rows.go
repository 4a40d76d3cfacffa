package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

// imported is what --json prints of an import.
type imported struct {
	bulk
	Already   int `json:"already"`              // how many of those that are done were there before
	Weak      int `json:"weak"`                 // how many of those that are done have a weak secret
	NeverSeen int `json:"never_seen,omitempty"` // accounts of which nothing was kept before; without --known
}

// importBatch is how many rows are imported before the progress is shown. Those of
// one account are imported at once, so that a batch may have some more.
const importBatch = 100

func (a *app) importRows(ctx context.Context, s *session, rows []importfile.Row, m move) (imported, error) {
	out := imported{bulk: bulk{Command: "import", DryRun: !a.yes, Outcomes: []outcome{}, noun: "line"}}
	progress := a.screen.NewProgress("importing", 0, len(rows))
	defer progress.End()
	never := make(map[store.AccountID]bool)
	var until time.Time
	if m.weakFor > 0 {
		until = time.Now().Add(m.weakFor).UTC().Truncate(time.Millisecond)
	}
	if err := a.refuseShared(ctx, s, rows); err != nil {
		return out, err
	}
	for _, row := range rows {
		if row.Err != nil {
			out.addRow(row, admin.Outcome{Err: row.Err}, time.Time{})
		}
	}
	for batch := range batches(rows) {
		outcomes, err := a.importSome(ctx, s, batch, until)
		if err != nil {
			return out, fmt.Errorf("stopped after %d of %s: %w; import the file again to continue", len(out.Outcomes), screen.Plural(len(rows), "line"), err)
		}
		for i, o := range outcomes {
			out.addRow(batch[i], o, until)
			if o.Err == nil && o.New {
				never[o.ID] = true
			}
		}
		progress.At(len(out.Outcomes))
	}
	slices.SortFunc(out.Outcomes, func(a, b outcome) int { return cmp.Compare(a.Line, b.Line) })
	if m.known == "" {
		out.NeverSeen = len(never)
	}
	return out, nil
}

// refuseShared refuses the rows whose secret another account has from an earlier file.
func (a *app) refuseShared(ctx context.Context, s *session, rows []importfile.Row) error {
	keys := make([]admin.Imported, len(rows))
	for i, row := range rows {
		if row.Err == nil {
			keys[i] = admin.Imported{ID: row.ID, Key: row.Key}
		}
	}
	shared, err := s.admin.SharedSecrets(ctx, s.by, keys)
	for i := range shared {
		if shared[i] {
			rows[i].Err = admin.ErrSharedSecret
		}
	}
	return err
}

// batches yields the rows that can be imported, those of an account together.
func batches(rows []importfile.Row) iter.Seq[[]importfile.Row] {
	places, accounts := make(map[store.AccountID]int), [][]importfile.Row(nil)
	for _, row := range rows {
		if row.Err != nil {
			continue
		}
		i, found := places[row.ID]
		if !found {
			i = len(accounts)
			places[row.ID], accounts = i, append(accounts, nil)
		}
		accounts[i] = append(accounts[i], row)
	}
	return func(yield func([]importfile.Row) bool) {
		var batch []importfile.Row
		for i, account := range accounts {
			batch = append(batch, account...)
			if len(batch) >= importBatch || i == len(accounts)-1 {
				if !yield(batch) {
					return
				}
				batch = nil
			}
		}
	}
}

// importSome imports rows, or only checks whether they could be imported: the library
// decides both in the same way.
func (a *app) importSome(ctx context.Context, s *session, rows []importfile.Row, until time.Time) ([]admin.Outcome, error) {
	var keys []admin.Imported
	for _, row := range rows {
		keys = append(keys, admin.Imported{ID: row.ID, Name: row.Name, Key: row.Key, WeakUntil: until})
	}
	do := s.admin.PreviewImport
	if a.yes {
		do = s.admin.Import
	}
	outcomes, err := do(ctx, s.by, keys)
	if err != nil {
		return nil, err
	}
	for _, o := range outcomes {
		if errors.Is(o.Err, store.ErrUnavailable) {
			return nil, o.Err
		}
	}
	return outcomes, nil
}

// addRow notes the outcome of a row. It shows the account only of a row that is kept: a
// row may have been refused because two columns are swapped, and then the account is a
// secret.
func (i *imported) addRow(row importfile.Row, o admin.Outcome, until time.Time) {
	i.add(row.Line, o.ID, importError(o.Err))
	last := &i.Outcomes[len(i.Outcomes)-1]
	if o.Err != nil {
		last.Tenant, last.User = "", ""
		return
	}
	if last.Already = o.Already; o.Already {
		i.Already++
	}
	if row.Key.Weak() {
		i.Weak++
		if !o.Already {
			last.WeakUntil = until
		}
	}
}
