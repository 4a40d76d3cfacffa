// Package app is a small backup console, to copy from: people sign in with a password
// and then with the second step, and see their backups.
//
// The names of the files say what they are for, from the top down:
//
//	app*        puts everything together: New, the routes, the service, the layout, the administrators' pages
//	signin      the password, and the choice between a person's accounts
//	api*        the JSON API, for programs: an app that locks, machines
//	host        what web requires of the console; sessions.go keeps the sessions
//	mail*       mails, codes by SMS and calls
//	backup_*    what the product is about: the backups and their pages
//	people_*    people, their accounts and organisations, passwords; language.go is about their languages
//	database    the file and its tables
//
// The pages of the second factor come from module web, in the console's layout. Those of
// administrators come from web/adminweb, and the texts of mails from web/letters.
package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/adminweb"
	"github.com/totpflow/totpflow/web/letters"
)

// Options configure the console. DB and Keys are required.
type Options struct {
	DB       *sql.DB          // from Open
	Keys     *keyring.Ring    // seals the second factors
	Require  bool             // everyone has to set up a second factor; otherwise it is optional
	Now      func() time.Time // nil means time.Now
	Observer event.Observer   // nil means the log
	Mail     Mailer           // nil means that no mail is sent, and those that are due stay due
	Phones   phone.Sender     // of codes by SMS and voice; nil means that there are none
	NoCalls  bool             // Phones sends SMS only
	URL      string           // the console's address, for links in mails: never from a request, which may name any host
}

// A console is everything behind the handler. It implements web.Host.
type console struct {
	mfa      *totpflow.Service
	web      *web.Web         // the pages of the second factor
	office   *adminweb.Pages  // the pages of administrators
	letters  *letters.Letters // the texts of mails
	alerts   adminweb.Alerts  // what the spray detector has found
	races    adminweb.Races   // the races that calls have lost
	users    users
	tenants  tenants
	sessions sessions
	archive  archive
	pages    map[*words.Language]pages
	now      func() time.Time
	mail     Mailer
	url      string
}

// New returns the console. It brings the database up to date, and creates the
// demo accounts in an empty one.
func New(o Options) (*Console, error) {
	ctx := context.Background()
	if o.Now == nil {
		o.Now = time.Now
	}
	factors := sqlstore.New(o.DB, sqlstore.SQLite)
	if err := cmp.Or(create(ctx, o.DB, o.Now()), factors.Migrate(ctx)); err != nil {
		return nil, err
	}
	c := &console{
		users: users{o.DB}, tenants: tenants{o.DB}, sessions: sessions{o.DB, o.Keys}, archive: archive{o.DB},
		now: o.Now, mail: o.Mail, url: cmp.Or(o.URL, "http://localhost:8080"),
	}
	var err error
	if c.mfa, err = c.newService(o, factors); err != nil {
		return nil, err
	}
	if c.pages, err = newPages(); err != nil {
		return nil, err
	}
	if c.web, err = c.newWeb(!o.NoCalls); err != nil {
		return nil, err
	}
	if c.letters, err = letters.New(letters.Config{Web: c.web, Site: c.url}); err != nil { // before anything causes a mail
		return nil, err
	}
	if c.office, err = c.newOffice(); err != nil {
		return nil, err
	}
	if err := c.exemptMachines(ctx); err != nil {
		return nil, err
	}
	return &Console{c.handler(), c}, nil
}

// A Console is the program without its listener.
type Console struct {
	http.Handler
	console *console
}

// Run sends the mails that are due every minute until ctx ends, and reminds people every
// hour.
func (c *Console) Run(ctx context.Context) {
	minute, hour := time.NewTicker(time.Minute), time.NewTicker(time.Hour)
	defer minute.Stop()
	defer hour.Stop()
	work, what := c.Deliver, "mails wait"
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "console: "+what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
			work, what = c.Deliver, "mails wait"
		case <-hour.C:
			work, what = c.Remind, "people were not reminded"
		}
	}
}

// Deliver sends the mails that are due, which are those that the mail server did not
// accept.
func (c *Console) Deliver(ctx context.Context) error {
	_, err := c.console.mfa.Deliver(ctx)
	return err
}

// Drain waits until the mails under way are sent.
func (c *Console) Drain(ctx context.Context) error { return c.console.mfa.Drain(ctx) }

// Remind reminds the people whose time to set up ends soon. The library notes each
// reminder, so that only one of two processes sends it; notify sends the mail.
func (c *Console) Remind(ctx context.Context) error {
	all, err := c.console.tenants.list(ctx, allTenants)
	failed := []error{err}
	for _, t := range all {
		failed = append(failed, c.console.office.RemindDue(ctx, admin.Operator{Name: "console", Reason: "the time to set up ends soon"}, t.ID))
	}
	return errors.Join(failed...)
}
