package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/web"
)

// actionRegister gives a computer the key of a machine account.
const actionRegister totpflow.Action = "register machine"

// theMachine returns the machine that a request names. The code that web asks for counts
// for this machine only, because its key signs in without a code.
func (c *console) theMachine(r *http.Request) (web.Target, error) {
	u, err := c.machineOf(r)
	return web.Target{ID: u.ID, Name: u.Name}, err
}

// machineOf returns one of the organisation's machine accounts. An administrator names it
// by its address in the query, or leaves the name out if there is only one.
func (c *console) machineOf(r *http.Request) (user, error) {
	me, err := c.person(r)
	if err == nil && !me.Administers() {
		err = errNotAllowed
	}
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

// apiRegister makes the key of a machine account, and stores its hash. The previous key,
// if there is one, ends. The key has the mark of the account's sessions, so it ends with
// them.
func (c *console) apiRegister(r *http.Request, _ struct{}) (any, error) {
	machine, err := c.machineOf(r)
	if err != nil {
		return nil, err
	}
	of, err := c.mfa.Account(machine.account()).Status(r.Context())
	if err != nil {
		return nil, err
	}
	key, hash := newKey()
	_, err = exec(r.Context(), c.users.db, `INSERT OR REPLACE INTO machine_keys (account, key, mark) VALUES (?, ?, ?)`, machine.ID, hash, of.Mark)
	return map[string]string{"key": key, "machine": machine.Name}, err
}

// A machineKey is what a machine signs in with, and a machineToken is what it gets in
// return.
type (
	machineKey struct {
		Key string `json:"key"`
	}
	machineToken struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
		Machine string    `json:"machine"`
	}
)

// apiMachineToken signs a machine in. Its token works for apiBackup only.
func (c *console) apiMachineToken(r *http.Request, in machineKey) (any, error) {
	var account string
	var mark totpflow.SessionMark
	err := c.users.db.QueryRowContext(r.Context(), `SELECT account, mark FROM machine_keys WHERE key = ?`, hashKey(in.Key)).Scan(&account, &mark)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, unavailable(err)
	}
	u, err := c.users.byID(r.Context(), account)
	switch {
	case errors.Is(err, sql.ErrNoRows): // no such key, or the account was deleted
		return nil, errMachineKey
	case err != nil:
		return nil, err
	}
	d, err := c.mfa.SignInMachine(r.Context(), u.account(), mark)
	switch {
	case errors.Is(err, totpflow.ErrKeyEnded):
		return nil, errMachineKey
	case errors.Is(err, totpflow.ErrNotExempt):
		return nil, errNotAMachine
	case err != nil:
		return nil, err
	}
	token, expires, err := c.sessions.begin(r.Context(), c.newSession(d), machineSessionAge)
	return machineToken{token, expires, u.Name}, err
}

// machine returns the machine whose session the request shows. It refuses an account that
// an administrator has made a person's again.
func (c *console) machine(r *http.Request) (user, error) {
	s, err := c.sessionOf(r)
	if err != nil {
		return user{}, err
	}
	u, err := c.valid(r.Context(), s)
	if err != nil {
		return user{}, err
	}
	st, err := c.mfa.Account(u.account()).Status(r.Context())
	if err == nil && (s.By != totpflow.ReasonMachine || st.State != enroll.Exempted) {
		err = errNotAMachine
	}
	return u, err
}

// exemptMachines exempts new accounts of backup agents, because nobody is there to type a
// code. It asks no administrator, and the events say so.
func (c *console) exemptMachines(ctx context.Context) error {
	machines, err := c.users.list(ctx, selectUsers+`WHERE users.role = ?`, roleMachine)
	if err != nil {
		return err
	}
	by := admin.Operator{Name: "console", Reason: "the account was made for a backup agent"}
	for _, u := range machines {
		m, err := c.admin().Member(ctx, by, u.account().ID)
		if err == nil && m.Enrollment == enroll.Disabled {
			var done totpflow.Change
			done, err = c.admin().Exempt(ctx, by, u.account().ID, u.Name)
			err = errors.Join(err, c.users.keepGeneration(ctx, done.ID, done.Generation))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
