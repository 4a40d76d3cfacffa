package command

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/totpflow/totpflow/applock"
)

// who finds out who is signed in, and finds their vault, which is locked. It
// looks once, and only when it has to: the unattended job asks no keyring.
func (a *agent) who() (err error) {
	if a.vault != nil {
		return nil
	}
	if a.account == nil {
		if a.account, err = a.files.account(); err != nil {
			return err
		}
	}
	if a.account == nil {
		return errSignedOut
	}
	text, err := a.files.vault(a.account)
	if err == nil {
		a.vault, err = applock.Decode(text, a.options(a.account))
	}
	if err != nil {
		return errors.Join(errNoVault, err)
	}
	return nil
}

// options bind the vault to the account and the device.
func (a *agent) options(who *account) applock.Options {
	return applock.Options{
		Of:   strings.Join([]string{"acme backup agent", who.Server, who.Email, who.Device}, "\n"),
		Idle: time.Duration(who.Idle) * time.Second,
	}
}

// adopt keeps a session that has just begun, in a new vault.
func (a *agent) adopt(ctx context.Context, c client, in signedIn) error {
	var lock struct {
		Device, Value string
		Idle          int
	}
	var me struct{ Email, Name, Organisation string }
	c = c.as(in.Session)
	if err := c.get(ctx, "/api/profile", &me); err != nil {
		return err
	}
	if err := c.post(ctx, "/api/applock", object{}, &lock); err != nil {
		return err
	}
	value, err := applock.ParseValue(lock.Value)
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	who := &account{Server: c.base, Email: me.Email, Name: me.Name, Of: me.Organisation, Device: lock.Device, Idle: lock.Idle}
	vault, err := applock.New(a.Now(), a.options(who), value, []byte(in.Session))
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	if a.account != nil {
		// A session of before. Its vault opens nothing any more, so that a keyring
		// which is out of reach now (over SSH, say) may as well keep it.
		_ = a.files.forget(a.account)
	}
	if err := a.files.keep(who, vault.Encode()); err != nil {
		return err
	}
	a.account, a.vault, a.opened = who, vault, a.Now()
	return nil
}

// settle locks the vault when somebody has said so elsewhere, or nobody has used
// the agent for too long, and reports whether it is open.
func (a *agent) settle() bool {
	if a.vault == nil {
		return false
	}
	if a.files.lockedSince(a.opened) {
		a.vault.Lock()
	}
	return a.vault.State(a.Now()) == applock.Unlocked
}

// session returns the client of the person who is signed in. Where the agent is locked
// it asks for password and code first, and then goes on.
func (a *agent) session(ctx context.Context) (client, error) {
	if err := a.who(); err != nil {
		return client{}, err
	}
	if !a.settle() {
		if err := a.open(ctx); err != nil {
			return client{}, err
		}
	}
	if err := a.vault.Touch(a.Now()); err != nil {
		return client{}, err
	}
	key, err := a.vault.Content(a.Now())
	if err != nil {
		return client{}, err
	}
	c, err := a.client(a.account.Server)
	return c.as(string(key)), err
}

// open opens the vault with what the server hands out for password and code.
func (a *agent) open(ctx context.Context) error {
	c, err := a.client(a.account.Server)
	if err != nil {
		return err
	}
	a.note(a.text("opening", "Email", a.account.Email))
	password, err := a.secret(ctx, a.text("askPassword"))
	if errors.Is(err, io.EOF) {
		return errLocked
	}
	if err != nil {
		return err
	}
	in, err := a.enter(ctx, c, object{"device": a.account.Device, "password": password})
	if errors.Is(err, io.EOF) {
		return errLocked
	}
	if err != nil {
		return a.over(err)
	}
	var opens struct{ Value string }
	err = c.as(in.Session).post(ctx, "/api/unlock", object{"device": a.account.Device}, &opens)
	if _, ended := refusedFor(err, "signed_out"); ended { // by the set-up just now: the session is a new one
		return a.adopt(ctx, c, in)
	}
	if err != nil {
		return a.over(err)
	}
	value, err := applock.ParseValue(opens.Value)
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	a.opened = a.Now()
	if err := a.vault.Open(a.opened, value); err != nil {
		return err
	}
	if a.files.lockedSince(a.opened) { // from a time when the clock was wrong
		return a.files.remove(lockFile)
	}
	return nil
}

// with is a request with a code in it.
func with(ask object, given code) object {
	all := object{}
	for name, value := range ask {
		all[name] = value
	}
	for name, value := range given {
		all[name] = value
	}
	return all
}

// over forgets an account whose session the server knows no more.
func (a *agent) over(err error) error {
	if _, ok := refusedFor(err, "signed_out"); ok && a.account != nil {
		err = errors.Join(err, a.files.forget(a.account))
		a.account, a.vault = nil, nil
	}
	return err
}

func (a *agent) lock(_ context.Context, _ []string) error {
	if err := a.who(); err != nil {
		return err
	}
	a.vault.Lock()
	if err := a.files.lock(a.Now()); err != nil { // those in other windows, too
		return err
	}
	a.say(a.text("nowLocked"))
	return nil
}

func (a *agent) unlock(ctx context.Context, _ []string) error {
	if err := a.who(); err != nil {
		return err
	}
	if !a.settle() {
		if err := a.open(ctx); err != nil {
			return err
		}
	}
	a.say(a.text("nowOpen"))
	return nil
}

// close locks the agent: it is open as long as it runs.
func (a *agent) close() {
	if a.vault != nil {
		a.vault.Lock()
	}
}
