package app

import (
	"math"
	"net/http"
	"strconv"

	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// perPage is how many backups a page lists.
const perPage = 50

// archivePage is a page of the list of backups.
type archivePage struct {
	user
	Enrolled, Deleted bool // by an app or a phone; a backup was just deleted
	Backups           []backup
	Number            int // of the page, from 1
	Previous, Next    int // numbers of pages; 0 if there is none
}

func (c *console) getArchive(w http.ResponseWriter, r *http.Request) error {
	u, err := c.person(r)
	if err != nil {
		return err
	}
	st, err := c.mfa.Account(u.account()).Status(r.Context())
	if err != nil {
		return err
	}
	p := archivePage{user: u, Enrolled: st.Enrolled, Number: 1, Deleted: r.URL.Query().Has("deleted")}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 1 && n < math.MaxInt32 { // anything else is the first page
		p.Number, p.Previous = n, n-1
	}
	found, more, err := c.archive.page(r.Context(), u, newest, (p.Number-1)*perPage, perPage)
	if err != nil {
		return err
	}
	p.Backups = found
	if more {
		p.Next = p.Number + 1
	}
	v := view{SignedIn: &u, Data: p}
	if st.Policy.Mode == policy.Required && !st.Enrolled {
		v.Grace = st.GraceUntil
	}
	return c.show(w, r, http.StatusOK, "archive", v)
}

// theBackup returns the backup that a request names, for the page that asks for a code.
func (c *console) theBackup(r *http.Request) (web.Target, error) {
	u, err := c.person(r)
	if err != nil {
		return web.Target{}, err
	}
	b, err := c.archive.find(r.Context(), u, r.PathValue("id"))
	return web.Target{ID: b.ID, Name: b.Machine + ", " + size(spoken(r.Context()), b.Gigabytes), At: b.Taken}, err
}

func (c *console) delete(r *http.Request) error {
	u, err := c.person(r)
	if err != nil {
		return err
	}
	return c.archive.delete(r.Context(), u, r.PathValue("id"))
}

func (c *console) postDelete(w http.ResponseWriter, r *http.Request) error {
	if err := c.delete(r); err != nil {
		return err
	}
	return redirect(w, r, "/?deleted")
}
