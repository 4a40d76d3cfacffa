package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

func (a *app) tidy() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "tidy",
		Short: "Delete expired data",
		Long: `Deletes expired data from all records: counts of messages that no limit needs any more, requests for a second
administrator, replaced authenticators after their 72 hours, recovery codes by mail, trusted browsers. Nobody
notices, since expired data has no effect. A product that calls Admin.Tidy every day does not need this command.

The command does not know the product's limits of messages, and keeps their counts for a year. A run that was cut short
says where to continue.`,
		Example: `  totpflow tidy --reason "monthly" --yes`,
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return a.runTidy(c.Context(), from) },
	}
	a.changeFlags(c)
	c.Flags().StringVar(&from, "from", "", "continue from this `CURSOR`, which an interrupted run has printed")
	return c
}

// tidied is what --json prints of tidy.
type tidied struct {
	Command    string `json:"command"`
	DryRun     bool   `json:"dry_run"`
	Database   string `json:"database"`
	Records    int    `json:"records"`
	Changed    int    `json:"changed"`
	Deleted    int    `json:"deleted"`
	Unreadable int    `json:"unreadable"`
	Cursor     string `json:"cursor,omitempty"` // where an interrupted run continues
}

func (a *app) runTidy(ctx context.Context, from string) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	s, err := a.open(ctx, by)
	if err != nil {
		return err
	}
	defer s.db.Close()
	counts, err := store.Count(ctx, s.db, store.Query{AllTenants: true})
	if err != nil {
		return fmt.Errorf("the database failed, and nothing was changed: %w", err)
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	run := s.admin.PreviewTidy
	if a.yes {
		run = s.admin.Tidy
	}
	out := tidied{Command: "tidy", DryRun: !a.yes, Database: s.db.URL().String(), Cursor: from}
	bar := a.screen.NewProgress("tidying", 0, total)
	err = run(ctx, s.by, from, func(p admin.Progress) {
		out.Records, out.Changed, out.Deleted, out.Cursor = p.Seen, p.Changed, p.Deleted, p.Cursor
		out.Unreadable += len(p.Unreadable)
		bar.At(p.Seen)
	})
	bar.End()
	if err != nil && !errors.Is(err, admin.ErrUnreadable) {
		if a.asJSON {
			if err := a.screen.JSON(out); err != nil {
				return err
			}
		}
		return fmt.Errorf("stopped after %d records: %w; continue with --from %q, or begin again, which does no harm", out.Records, err, out.Cursor)
	}
	return a.tellTidy(out)
}

func (a *app) tellTidy(out tidied) error {
	switch {
	case a.asJSON:
		if err := a.screen.JSON(out); err != nil {
			return err
		}
	case out.DryRun:
		a.say("Of %s, %d would be shortened and %d deleted.", screen.Plural(out.Records, "record"), out.Changed, out.Deleted)
		a.say(nothingChanged)
	default:
		a.say("Of %s, %d were shortened and %d deleted.", screen.Plural(out.Records, "record"), out.Changed, out.Deleted)
	}
	if out.Unreadable > 0 {
		return unreadable{fmt.Errorf("%d records do not open and were skipped; totpflow keys check names them", out.Unreadable)}
	}
	return nil
}
