package app

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// apiPage is how many backups a program is told of at once.
const apiPage = 200

// backupList is a page of backups, and what the query after has to be for the next page,
// where there is one.
type backupList struct {
	Backups []backup `json:"backups"`
	Next    string   `json:"next,omitempty"`
}

func (c *console) apiBackups(r *http.Request, _ struct{}) (any, error) {
	u, err := c.person(r)
	if err != nil {
		return nil, err
	}
	from := newest
	if after := r.URL.Query().Get("after"); after != "" {
		seconds, id, ok := strings.Cut(after, "-")
		if from.taken, err = strconv.ParseInt(seconds, 10, 64); err != nil || !ok {
			return nil, errMalformed
		}
		from.id = id
	}
	found, more, err := c.archive.page(r.Context(), u, from, 0, apiPage)
	list := backupList{Backups: append([]backup{}, found...)} // not null where there are none
	if more {
		last := found[len(found)-1]
		list.Next = strconv.FormatInt(last.Taken.Unix(), 10) + "-" + last.ID
	}
	return list, err
}

func (c *console) apiOneBackup(r *http.Request, _ struct{}) (any, error) {
	u, err := c.person(r)
	if err != nil {
		return nil, err
	}
	return c.archive.find(r.Context(), u, r.PathValue("id"))
}

// apiDelete deletes a backup, for a proof of just that.
func (c *console) apiDelete(r *http.Request, _ struct{}) (any, error) { return nil, c.delete(r) }

// A backupReport is what a machine says of a backup. In a product the data comes with it.
type backupReport struct {
	Machine   string `json:"machine"`
	Gigabytes int    `json:"gigabytes"`
}

// maxGigabytes is the largest backup that anybody can have.
const maxGigabytes = 1 << 20

// apiBackup keeps a backup: the unattended job, and all that a machine may do.
func (c *console) apiBackup(r *http.Request, in backupReport) (any, error) {
	u, err := c.machine(r)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(in.Machine)
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, unprintable) || in.Gigabytes < 0 || in.Gigabytes > maxGigabytes {
		return nil, errMalformed
	}
	return c.archive.add(r.Context(), u, backup{Machine: name, Taken: c.now().UTC().Truncate(time.Second), Gigabytes: in.Gigabytes})
}

// unprintable finds what repaints a terminal, or makes one name look like another.
// encoding/json has put U+FFFD in place of what is not UTF-8.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
