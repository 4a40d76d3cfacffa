package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/web"
)

// actionRegister gives a computer the key of a machine account.
const actionRegister totpflow.Action = "register machine"

// machineKeys are what machines sign in with, kept as hashes.
type machineKeys struct{ db *sql.DB }

// renew makes a key for a machine account. The one before, if there is one, ends.
// The key ends with the account's sessions, whose mark it has.
func (m machineKeys) renew(ctx context.Context, of user, mark totpflow.SessionMark, at time.Time) (string, error) {
	key, hash := newKey()
	if _, err := exec(ctx, m.db, `INSERT OR REPLACE INTO machine_keys (account, key, mark, made) VALUES (?, ?, ?, ?)`, of.ID, hash, mark, at.Unix()); err != nil {
		return "", err
	}
	return key, nil
}

// find returns the account and the mark that a key is of, or errMachineKey.
func (m machineKeys) find(ctx context.Context, users *users, key string) (u user, mark totpflow.SessionMark, err error) {
	var account string
	err = m.db.QueryRowContext(ctx, `SELECT account, mark FROM machine_keys WHERE key = ?`, hashKey(key)).Scan(&account, &mark)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return user{}, "", unavailable(err)
	}
	u, err = users.byID(ctx, account)
	if errors.Is(err, sql.ErrNoRows) { // no such key, or the account is gone
		err = errMachineKey
	}
	return u, mark, err
}

// apiRegister makes the key of one of the organisation's machine accounts, which the query
// names by its address; there may be only one. It requires an administrator, and a code for
// just this machine: the key signs in without one.
func (c *console) apiRegister(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if !v.Administers() {
		return admin.ErrNotAllowed
	}
	c.register.ServeHTTP(w, r)
	return nil
}

// theMachine is the one that a request names.
func (c *console) theMachine(r *http.Request) (web.Target, error) {
	u, err := c.machineOf(r)
	return web.Target{ID: u.ID, Name: u.Name}, err
}

func (c *console) machineOf(r *http.Request) (user, error) {
	me, err := c.users.byID(r.Context(), web.SessionOf(r).User.ID.User)
	if err != nil {
		return user{}, err
	}
	address := r.URL.Query().Get("machine")
	machines, err := c.users.list(r.Context(), selectUsers+`WHERE tenants.id = ? AND users.role = ? AND (? = '' OR people.email = ?)`,
		me.Tenant.ID, roleMachine, address, address)
	switch {
	case err != nil:
		return user{}, err
	case len(machines) != 1:
		return user{}, web.ErrNotFound
	}
	return machines[0], nil
}

func (c *console) makeMachineKey(w http.ResponseWriter, r *http.Request) error {
	machine, err := c.machineOf(r)
	if err != nil {
		return err
	}
	of, err := c.mfa.Account(machine.account()).Status(r.Context())
	if err != nil {
		return err
	}
	key, err := c.keys.renew(r.Context(), machine, of.Mark, c.now())
	if err != nil {
		return err
	}
	reply(w, http.StatusCreated, map[string]string{"key": key, "machine": machine.Name})
	return nil
}

// apiMachineToken signs a machine in. It gets no further than apiBackup.
func (c *console) apiMachineToken(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Key string `json:"key"`
	}](r)
	if err != nil {
		return err
	}
	u, mark, err := c.keys.find(r.Context(), c.users, in.Key)
	if err != nil {
		return err
	}
	d, err := c.mfa.SignInMachine(r.Context(), u.account(), mark)
	if errors.Is(err, totpflow.ErrKeyEnded) {
		err = errMachineKey
	}
	if err != nil {
		return err
	}
	token, expires, err := c.programs.begin(r.Context(), c.sessionOf(d), machineSessionAge)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
		Machine string    `json:"machine"`
	}{token, expires, u.Name})
	return nil
}

// machine is page for machines. An account that an administrator has made a
// person's again is not a machine's from then on.
func (c *console) machine(h func(http.ResponseWriter, *http.Request, user) error) http.Handler {
	return c.page(func(w http.ResponseWriter, r *http.Request) error {
		s, err := c.programs.find(r.Context(), keyOf(r), c.now())
		if err != nil {
			return err
		}
		u, err := c.valid(r.Context(), s)
		if err != nil {
			return err
		}
		st, err := c.mfa.Account(u.account()).Status(r.Context())
		switch {
		case err != nil:
			return err
		case s.By != totpflow.ReasonMachine || st.State != enroll.Exempted:
			return totpflow.ErrNotExempt
		}
		return h(w, r, u)
	})
}

// maxGigabytes is the largest backup that anybody can have.
const maxGigabytes = 1 << 20

// apiBackup keeps a backup: the unattended job, and all that a machine may do.
// In a product the data comes with it.
func (c *console) apiBackup(w http.ResponseWriter, r *http.Request, u user) error {
	in, err := decode[struct {
		Machine   string `json:"machine"`
		Gigabytes int    `json:"gigabytes"`
	}](r)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(in.Machine)
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, unprintable) || in.Gigabytes < 0 || in.Gigabytes > maxGigabytes {
		return errMalformed
	}
	b, err := c.archive.add(r.Context(), u, backup{Machine: name, Taken: c.now().UTC().Truncate(time.Second), Gigabytes: in.Gigabytes})
	if err != nil {
		return err
	}
	reply(w, http.StatusCreated, itemOf(b))
	return nil
}

// unprintable finds what repaints a terminal, or makes one name look like another.
// encoding/json has put U+FFFD in place of what is not UTF-8.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// exemptMachines exempts the accounts of backup agents that are new: nobody is
// there to type a code. It asks no administrator, and the events say so.
func (c *console) exemptMachines(ctx context.Context) error {
	machines, err := c.users.machines(ctx)
	if err != nil {
		return err
	}
	by := admin.Operator{Name: "console", Reason: "the account was made for a backup agent"}
	for _, u := range machines {
		m, err := c.admin().Member(ctx, by, u.account().ID)
		if err == nil && m.Enrollment == enroll.Disabled {
			var done totpflow.Change
			done, err = c.admin().Exempt(ctx, by, u.account().ID, u.Name)
			err = errors.Join(err, c.users.keep(ctx, done))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
