package adminweb

import (
	"context"
	"errors"
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
}

func (p *Pages) now() time.Time { return p.Web.Now() }

// frame returns the frame of a page for the visitor.
func (p *Pages) frame(r *http.Request, v visitor) (f Frame, err error) {
	f.Account = v.User.Name
	f.Until = v.rest.Until
	for _, t := range v.rest.Targets {
		them, err := p.Directory.Person(r.Context(), t.ID)
		switch {
		case errors.Is(err, ErrNoPerson):
			continue
		case err != nil:
			return f, err
		}
		f.Helps = append(f.Helps, them.label())
	}
	f.Waiting, err = p.waiting(r.Context(), v)
	return f, err
}

// Waiting returns how many requests the person of a session may approve, for a badge in the
// host's menu: none of their own, of whichever account (admin.Rule). It is 0 for a person who
// administers nothing.
func (p *Pages) Waiting(ctx context.Context, u totpflow.User) (int, error) {
	tenants, err := p.Directory.Tenants(ctx, u)
	if err != nil {
		return 0, err
	}
	return p.waiting(ctx, visitor{Session: web.Session{User: u}, tenants: tenants})
}

func (p *Pages) waiting(ctx context.Context, v visitor) (n int, err error) {
	for _, t := range v.tenants {
		st, err := p.Admin.Tenant(ctx, v.looks(), t.ID)
		if err != nil {
			return 0, err
		}
		for _, q := range st.Pending {
			if q.Approvable {
				n++
			}
		}
	}
	return n, nil
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
