package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/examples/internal/words"
)

// A machine and its last backup. In a product these come from its database.
type machine struct {
	Name       string
	Kind, Plan string // ids of texts
	State      string // ok, late, failed
	Note       string // the id of a text
	LastRun    time.Time
	Gigabytes  int
}

// machinesOf returns what a person may see: administrators the company's,
// everybody else their own.
func machinesOf(u user, now time.Time) []machine {
	name, _, _ := strings.Cut(strings.ToLower(u.Name), " ")
	ago := func(d time.Duration) time.Time { return now.Add(-d).Truncate(time.Minute) }
	own := []machine{
		{name + "-laptop", "machine.laptop", "plan.4hours", "ok", "backup.ok", ago(96 * time.Minute), 212},
		{name + "-phone", "machine.phone", "plan.daily", "ok", "backup.ok", ago(9 * time.Hour), 38},
	}
	if !u.Administers() {
		return own
	}
	return append([]machine{
		{"files-01", "machine.files", "plan.hourly", "ok", "backup.ok", ago(17 * time.Minute), 1840},
		{"mail-archive", "machine.mail", "plan.daily", "ok", "backup.ok", ago(5 * time.Hour), 655},
		{"erp-db", "machine.database", "plan.15min", "ok", "backup.ok", ago(6 * time.Minute), 94},
		{"warehouse-pc", "machine.workstation", "plan.daily", "late", "backup.late", ago(55 * time.Hour), 120},
	}, own...)
}

// homePage is what the templates show of them.
type homePage struct {
	Machines []machine
	Late     int
	Storage  int
	LastRun  time.Time
	Others   []otherAccount // of the same person
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
	if v.Several {
		var err error
		if p.Others, err = c.otherAccounts(r.Context(), v.user); err != nil {
			return err
		}
	}
	return c.show(w, r, http.StatusOK, "home", view{Visitor: v, Data: p})
}

// An otherAccount is one that the person has in another organisation. Each is
// set up on its own: its second factor is not that of this one.
type otherAccount struct {
	user
	State string // the last part of the id of its text
}

// otherAccounts lists them with their state.
func (c *console) otherAccounts(ctx context.Context, of user) ([]otherAccount, error) {
	others, err := c.users.others(ctx, of)
	if err != nil {
		return nil, err
	}
	var list []otherAccount
	for _, u := range others {
		st, err := c.mfa.Account(u.account()).Status(ctx)
		switch {
		case errors.Is(err, totpflow.ErrRecordLost), err == nil && !st.Frozen.IsZero():
			list = append(list, otherAccount{u, "closed"})
		case err != nil:
			return nil, err
		default:
			list = append(list, otherAccount{u, string(st.State)})
		}
	}
	return list, nil
}

// size is an amount of data.
func size(l *words.Language, gigabytes int) string {
	if gigabytes >= 1000 {
		return l.Number(float64(gigabytes)/1000, 1) + " TB"
	}
	return l.Number(float64(gigabytes), 0) + " GB"
}
