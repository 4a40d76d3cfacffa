package app

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// apiPage is how many backups an answer to a program lists.
const apiPage = 200

// backupList is a page of backups, with the value of the parameter after for the next
// page, if there is one.
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
	list := backupList{Backups: append([]backup{}, found...)} // not null if there are none
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

// apiDelete deletes a backup. It requires a proof for this backup.
func (c *console) apiDelete(r *http.Request, _ struct{}) (any, error) { return nil, c.delete(r) }

// A backupReport is what a machine reports about a backup. In a product the data comes
// with it.
type backupReport struct {
	Machine   string `json:"machine"`
	Gigabytes int    `json:"gigabytes"`
}

// maxGigabytes is the size of the largest backup that is accepted.
const maxGigabytes = 1 << 20

// apiBackup stores a backup. It is the unattended job, and the only call that a machine
// may make.
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

// unprintable finds characters that repaint a terminal, or that make one name look like
// another. encoding/json has replaced invalid UTF-8 with U+FFFD.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
