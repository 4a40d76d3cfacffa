package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/database"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// A session is the library over the database, with the operator's permissions.
type session struct {
	db      *database.DB
	ring    *keyring.Ring
	service *totpflow.Service
	admin   admin.Admin
	by      admin.Operator
}

// open opens the database with the ring, for the operator. The caller closes
// the session's database.
func (a *app) open(ctx context.Context, by admin.Operator) (*session, error) {
	ring, err := a.ring()
	if err != nil {
		return nil, err
	}
	db, err := a.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	s, err := a.session(db, ring, by)
	if err != nil {
		db.Close()
	}
	return s, err
}

func (a *app) session(db *database.DB, ring *keyring.Ring, by admin.Operator) (*session, error) {
	service, err := totpflow.New(totpflow.Config{
		Issuer:        "totpflow", // shown by no phone: nothing is set up here
		Store:         db,
		Keys:          ring,
		Observer:      event.Slog(slog.New(slog.NewTextHandler(a.events, nil))), // reports the events of this run
		Logger:        slog.New(slog.DiscardHandler),                            // every error comes back to this run, which says it once
		Notifier:      event.Deferred,                                           // people are told by the product
		ParentTenants: func(_ context.Context, tenant string) ([]string, error) { return a.chains[tenant], nil },
	})
	if err != nil {
		return nil, err
	}
	return &session{db: db, ring: ring, service: service, admin: admin.New(service, nil), by: by}, nil
}

// looker returns the operator who changes nothing.
func (a *app) looker() admin.Operator {
	return admin.Operator{Name: cmp.Or(a.operator, "unnamed"), Reason: "to look"}
}

// changeFlags adds what every change takes.
func (a *app) changeFlags(c *cobra.Command) {
	c.Flags().StringVar(&a.reason, "reason", "", "why, such as the number of a ticket; it is recorded in the events (required)")
	c.Flags().StringVar(&a.operator, "operator", "", "`WHO` makes the change, for the events (default: your login name)")
	c.Flags().BoolVar(&a.yes, "yes", false, "make the change without asking")
}

// changer returns the operator of a change, with name and reason.
func (a *app) changer() (admin.Operator, error) {
	if a.reason == "" {
		return admin.Operator{}, usagef("--reason is missing: say why, for example with the number of a ticket")
	}
	name := a.operator
	if name == "" {
		name = a.login()
	}
	if name == "" {
		return admin.Operator{}, usagef("your login has no name here: give your name with --operator")
	}
	kept := event.Event{Actor: "operator " + name, Reason: a.reason}.Clean()
	if kept.Actor != "operator "+name || kept.Reason != a.reason {
		return admin.Operator{}, usagef("--reason may have at most 64 bytes of text, and --operator at most 180: they are recorded in every event")
	}
	return admin.Operator{Name: name, Reason: a.reason}, nil
}

// login returns the name of the user who works here: behind sudo, of the user who called it.
func (a *app) login() string {
	if name := a.env("SUDO_USER"); name != "" {
		return name
	}
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// found returns ErrNoAccount if there is no record.
func (s *session) found(ctx context.Context, id store.AccountID) error {
	_, err := s.db.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return admin.ErrNoAccount
	case err != nil:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}
