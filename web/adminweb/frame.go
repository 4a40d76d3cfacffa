package adminweb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// A Frame is the common part at the top of every page.
type Frame struct {
	web.Common
	Waiting int       // requests that this administrator may approve
	Helps   []string  // the people for whom the open window still permits something
	Until   time.Time // when the window closes
	NoApp   bool      // this administrator has no authenticator app, which changes require
}

func (p *Pages) now() time.Time { return p.Web.Now() }

// frame returns the frame of a page for the visitor. An administrator without an app learns
// that before they fill in a form, and comes back to the page after the set-up.
func (p *Pages) frame(w http.ResponseWriter, r *http.Request, v visitor) (Frame, error) {
	code, err := p.section.CodeField(r, v.Session, nil)
	if err != nil {
		return Frame{}, err
	}
	if code.NeedsApp {
		p.section.Next(w, r)
	}
	return p.frameOf(r, v, code.NeedsApp)
}

// frameOf returns the frame for a visitor of whom it is known whether they have an app.
func (p *Pages) frameOf(r *http.Request, v visitor, noApp bool) (f Frame, err error) {
	f.Account, f.NoApp = v.User.Name, noApp
	f.Until = v.rest.Until
	for _, t := range v.rest.Targets {
		them, err := p.Directory.Person(r.Context(), t.ID)
		switch {
		case errors.Is(err, ErrNoPerson):
			continue
		case r.Context().Err() != nil:
			return f, r.Context().Err()
		case err != nil: // the window must still be shown, so that it can be closed
			p.Web.Log.ErrorContext(r.Context(), "adminweb: a person was not named", "tenant", t.ID.Tenant, "user", t.ID.User, "error", err)
			them = Person{ID: t.ID, Name: t.ID.User}
		}
		f.Helps = append(f.Helps, them.label())
	}
	f.Waiting, err = p.waiting(r.Context(), v)
	return f, err
}

// Waiting returns how many requests the person of a session may approve, for a badge in the
// host's menu: none of their own, of whichever account (admin.Rule). It is 0 for a person who
// administers nothing. An organisation that cannot be read is not counted, and logged; if none
// of them can be read, Waiting returns the error.
func (p *Pages) Waiting(ctx context.Context, u totpflow.User) (int, error) {
	tenants, err := p.Directory.Tenants(ctx, u)
	if err != nil {
		return 0, err
	}
	return p.waiting(ctx, visitor{Session: web.Session{User: u}, tenants: tenants})
}

func (p *Pages) waiting(ctx context.Context, v visitor) (n int, err error) {
	_, err = p.each(ctx, v.tenants, func(t Tenant) error {
		st, err := p.Admin.Tenant(ctx, v.looks(), t.ID)
		if err != nil {
			return err
		}
		for _, q := range st.Pending {
			if q.Approvable {
				n++
			}
		}
		return nil
	})
	return n, err
}

// each reads every tenant, and returns the names of those that cannot be read: a record that
// does not open, or a rule that refuses one tenant, must not close the pages of five hundred
// others. It logs the first error. If no tenant can be read, it returns that error.
func (p *Pages) each(ctx context.Context, of []Tenant, read func(Tenant) error) (unread []string, first error) {
	for _, t := range of {
		err := read(t)
		if ctx.Err() != nil { // a browser that has gone away is not a fault
			return nil, ctx.Err()
		}
		if err != nil {
			unread, first = append(unread, cmp.Or(t.Name, t.ID)), cmp.Or(first, fmt.Errorf("tenant %q: %w", t.ID, err))
		}
	}
	if len(unread) == len(of) {
		return nil, first
	}
	p.logUnread(ctx, "tenants", len(unread), first)
	return unread, nil
}

// logUnread logs what a page left out. One line has the first error of all.
func (p *Pages) logUnread(ctx context.Context, what string, count int, first error) {
	if count > 0 {
		p.Web.Log.ErrorContext(ctx, "adminweb: "+what+" were not read", "count", count, "error", first)
	}
}

// postCloseWindow closes the window before its time.
func (p *Pages) postCloseWindow(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := p.Admin.CloseWindow(r.Context(), v.User); err != nil {
		return err
	}
	p.section.SetCookie(w, windowCookie, "", -time.Second)
	return p.done(w, r, "window-closed", p.Path("people"))
}

// done redirects to the next page, which says what was done.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, notice, to string) error {
	p.section.Notice(w, notice)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
