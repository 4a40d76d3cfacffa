package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

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
	if _, err := m.db.ExecContext(ctx, `INSERT OR REPLACE INTO machine_keys (account, key, mark, made) VALUES (?, ?, ?, ?)`, of.ID, hash, mark, at.Unix()); err != nil {
		return "", unavailable(err)
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

// apiRegister makes the key of one of the organisation's machine accounts. It
// takes an administrator and a code: the key signs in without one.
func (c *console) apiRegister(w http.ResponseWriter, r *http.Request, v *visitor) error {
	in, err := decode[struct {
		Machine string `json:"machine"` // the address of its account; there may be only one
	}](r)
	if err != nil {
		return err
	}
	if !v.Administers() {
		return admin.ErrNotAllowed
	}
	machines, err := c.users.list(r.Context(), selectUsers+`WHERE tenants.id = ? AND users.role = ? AND (? = '' OR people.email = ?)`,
		v.user.Tenant.ID, roleMachine, in.Machine, in.Machine)
	switch {
	case err != nil:
		return err
	case len(machines) != 1:
		return web.ErrNotFound
	}
	if err := v.spend(r, actionRegister, ""); err != nil {
		return err
	}
	of, err := c.mfa.Account(machines[0].account()).Status(r.Context())
	if err != nil {
		return err
	}
	key, err := c.keys.renew(r.Context(), machines[0], of.Mark, c.now())
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, struct {
		Key     string `json:"key"`
		Machine string `json:"machine"`
	}{key, machines[0].Name})
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
	next, err := c.mfa.SignInMachine(r.Context(), u.account(), mark)
	if errors.Is(err, totpflow.ErrKeyEnded) {
		err = errMachineKey
	}
	if err != nil {
		return err
	}
	token, expires, err := c.programs.begin(r.Context(), session{User: next.ID.User, Mark: next.Mark, Began: c.now(), By: next.Reason}, machineSessionAge)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
		Machine string    `json:"machine"`
	}{token, expires, u.Name})
}

// machine is call for machines. An account that an administrator has made a
// person's again is not a machine's from then on.
func (c *console) machine(h func(http.ResponseWriter, *http.Request, *visitor) error) http.HandlerFunc {
	return c.call(func(w http.ResponseWriter, r *http.Request) error {
		v, err := c.caller(r)
		switch {
		case err != nil:
			return err
		case v.By != totpflow.ReasonMachine || v.State != enroll.Exempted:
			return totpflow.ErrNotExempt
		}
		return h(w, r, v)
	})
}

// maxGigabytes is the largest backup that anybody can have.
const maxGigabytes = 1 << 20

// apiBackup keeps a backup: the unattended job, and all that a machine may do.
// In a product the data comes with it.
func (c *console) apiBackup(w http.ResponseWriter, r *http.Request, v *visitor) error {
	in, err := decode[struct {
		Machine   string `json:"machine"`
		Gigabytes int    `json:"gigabytes"`
	}](r)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(in.Machine)
	if name == "" || len(name) > 100 || in.Gigabytes < 0 || in.Gigabytes > maxGigabytes {
		return errMalformed
	}
	b, err := c.archive.add(r.Context(), v.user, backup{Machine: name, Taken: c.now().UTC().Truncate(time.Second), Gigabytes: in.Gigabytes})
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, backupItem(b))
}
