package app

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A machine and its last backup. In a product these come from its database.
type machine struct {
	Name, Kind, Plan string
	State            string // ok, late, failed
	Note             string
	LastRun          time.Time
	Gigabytes        int
}

// machinesOf returns what a person may see: administrators the company's,
// everybody else their own.
func machinesOf(u user, now time.Time) []machine {
	name, _, _ := strings.Cut(strings.ToLower(u.Name), " ")
	ago := func(d time.Duration) time.Time { return now.Add(-d).Truncate(time.Minute) }
	own := []machine{
		{name + "-laptop", "Laptop, Windows 11", "Every 4 hours", "ok", "Backed up", ago(96 * time.Minute), 212},
		{name + "-phone", "Phone, Android", "Daily", "ok", "Backed up", ago(9 * time.Hour), 38},
	}
	if !u.Administers() {
		return own
	}
	return append([]machine{
		{"files-01", "File server, Debian", "Every hour", "ok", "Backed up", ago(17 * time.Minute), 1840},
		{"mail-archive", "Microsoft 365, 42 mailboxes", "Daily", "ok", "Backed up", ago(5 * time.Hour), 655},
		{"erp-db", "Database, PostgreSQL", "Every 15 min", "ok", "Backed up", ago(6 * time.Minute), 94},
		{"warehouse-pc", "Workstation, Windows 10", "Daily", "late", "Not seen since the day before yesterday", ago(55 * time.Hour), 120},
	}, own...)
}

// homePage is what the templates show of them.
type homePage struct {
	Machines []machine
	Late     int
	Storage  int
	LastRun  time.Time
	*visitor
}

func (c *console) getHome(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p := homePage{Machines: machinesOf(v.user, c.now()), visitor: v}
	for _, m := range p.Machines {
		p.Storage += m.Gigabytes
		if m.State != "ok" {
			p.Late++
		}
		if m.LastRun.After(p.LastRun) {
			p.LastRun = m.LastRun
		}
	}
	return c.show(w, r, "home", nil, view{Title: "Backups", Visitor: v, Data: p})
}

// size is an amount of data in words.
func size(gigabytes int) string {
	if gigabytes >= 1000 {
		return fmt.Sprintf("%.1f TB", float64(gigabytes)/1000)
	}
	return fmt.Sprintf("%d GB", gigabytes)
}
