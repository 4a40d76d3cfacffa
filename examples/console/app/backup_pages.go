package app

import (
	"net/http"
	"strings"

	"github.com/totpflow/totpflow/web"
)

// archivePage is what the list of backups shows.
type archivePage struct {
	*visitor
	Backups []backup
}

func (c *console) getArchive(w http.ResponseWriter, r *http.Request, v *visitor) error {
	all, err := c.archive.list(r.Context(), v.user)
	if err != nil {
		return err
	}
	return c.show(w, r, http.StatusOK, "archive", view{Visitor: v, Data: archivePage{v, all}})
}

// theBackup is the one that a request names, for the page that asks for a code.
func (c *console) theBackup(r *http.Request) (web.Target, error) {
	u, err := c.users.byID(r.Context(), web.SessionOf(r).User.ID.User)
	if err != nil {
		return web.Target{}, err
	}
	b, err := c.archive.find(r.Context(), u, r.PathValue("id"))
	l := spoken(r.Context())
	return web.Target{ID: b.ID, Name: b.Machine + ", " + l.Minute(b.Taken) + ", " + size(l, b.Gigabytes)}, err
}

func (c *console) postDelete(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := c.archive.delete(r.Context(), v.user, r.PathValue("id")); err != nil {
		return err
	}
	c.setNotice(r, "backup-deleted")
	return redirect(w, r, "/backups")
}

// keyPage shows the key of a backup, once for each code.
type keyPage struct {
	backup
	Key string // in groups of four, which people can compare and a line can break between
}

func (c *console) postKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := c.archive.find(r.Context(), v.user, r.PathValue("id"))
	if err != nil {
		return err
	}
	var groups []string
	key := b.key
	for len(key) > 4 {
		groups, key = append(groups, key[:4]), key[4:]
	}
	return c.show(w, r, http.StatusOK, "key", view{Visitor: v, Data: keyPage{b, strings.Join(append(groups, key), " ")}})
}
