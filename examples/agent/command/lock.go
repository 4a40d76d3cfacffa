package command

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/totpflow/totpflow/applock"
)

// maxIdle is the longest time that an unlocked agent may stay unused, whatever a server
// or a file says: the limit of NIST SP 800-63B-4 §2.2.3 at AAL2.
const maxIdle = time.Hour

// who loads the account that is signed in and its locked vault. It does so once, and only
// if they are needed: the unattended job must not ask the keyring.
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
	var file *fileError
	if err == nil || errors.As(err, &file) { // the session exists, and its file is at fault
		return err
	}
	return errors.Join(errNoVault, err)
}

// absent reports whether this error of who means that there is no session to unlock. If a
// file could not be read, there may be a session.
func absent(err error) bool { return errors.Is(err, errSignedOut) || errors.Is(err, errNoVault) }

// options bind the vault to the account and the device.
func (a *agent) options(who *account) applock.Options {
	o := applock.Options{Of: strings.Join([]string{"acme backup agent", who.Server, who.Email, who.Device}, "\n"), Idle: maxIdle}
	if most := int(maxIdle / time.Second); who.Idle < most {
		o.Idle = time.Duration(max(who.Idle, 0)) * time.Second
	}
	return o
}

// adopt keeps a session that has just begun, in a new vault. If it cannot, it ends the
// session on the server: nobody would ever use the session, but somebody may have its
// key.
func (a *agent) adopt(ctx context.Context, c client, in signedIn) (err error) {
	var lock struct {
		Device, Value string
		Idle          int
	}
	var me struct{ Email, Name, Organisation string }
	c = c.as(in.Session)
	defer func() {
		if err != nil && in.Session != "" {
			a.abandon(ctx, c)
		}
	}()
	if err := c.get(ctx, "/api/profile", &me); err != nil {
		return err
	}
	if err := c.post(ctx, "/api/applock", object{}, &lock); err != nil {
		return err
	}
	value, err := applock.ParseValue(lock.Value)
	if err != nil || !devices.MatchString(lock.Device) {
		return errors.Join(errAnswer, err)
	}
	who := &account{Server: c.base, Email: me.Email, Name: me.Name, Of: me.Organisation, Device: lock.Device, Idle: lock.Idle}
	vault, err := applock.New(a.Now(), a.options(who), value, []byte(in.Session))
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	if err := a.watch(); err != nil {
		return err
	}
	if err := a.files.keep(who, vault.Encode()); err != nil {
		return errors.Join(err, a.files.forget(who))
	}
	if a.account != nil {
		a.files.replace(a.account, who)
		a.shut()
	}
	a.account, a.vault = who, vault
	return a.opens()
}

// abandon ends a session on the server that was not kept here.
func (a *agent) abandon(ctx context.Context, c client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), brief)
	defer cancel()
	if c.post(ctx, factor+"/signout", object{}, nil) != nil {
		a.note(a.text("leftOnServer"))
	}
}

// brief is how long the server may take to answer a request that nobody waits for.
const brief = 5 * time.Second

// opens marks the agent as unlocked from now on. Windows of an earlier session lock.
func (a *agent) opens() (err error) {
	a.mark, err = a.files.lock()
	a.opened = err == nil
	return err
}

// state returns nil while the agent is unlocked, and otherwise the reason why it is not.
// It locks the agent if another window has asked for that, or if nobody has used the
// agent for too long.
func (a *agent) state(ctx context.Context) error {
	switch {
	case !a.opened:
		return errLocked
	case a.files.mark() != a.mark:
		return a.elsewhere()
	case a.vault.State(a.Now()) != applock.Unlocked:
		_ = a.tell(ctx, a.account, true)
		a.shut()
		return errIdle
	}
	return nil
}

// locked is the watch function. It ends a question when an unlocked agent locks, or when
// another window asks for a lock during an unlock or a set-up. Otherwise a set-up would
// wait for its code with the QR code on the screen, where anyone could scan it.
func (a *agent) locked(ctx context.Context) (err error) {
	switch {
	case a.opened:
		err = a.state(ctx)
	case a.files.mark() != a.mark:
		err = a.elsewhere()
	}
	if err != nil {
		a.wipe()
	}
	return err
}

// elsewhere forgets everything that was open, and returns what another window has done:
// it has locked the agent, or it has signed out.
func (a *agent) elsewhere() error {
	err := errElsewhere
	if a.left() {
		err = errLeft
	}
	a.shut()
	return err
}

// left reports whether another window has signed out. That window removes the account
// before the mark, so a window that finds another mark finds no account either.
func (a *agent) left() bool {
	if a.account == nil {
		return false
	}
	who, err := a.files.account()
	return who == nil && err == nil
}

// shut forgets everything that was open, and the lines that were typed. The next command
// checks again who is signed in, because by then it may be nobody.
func (a *agent) shut() {
	if a.vault != nil {
		a.vault.Lock()
	}
	a.account, a.vault, a.opened = nil, nil, false
	a.typed.clear()
}

// tell asks the server to suspend the account's session, because this window locks or
// because all do.
func (a *agent) tell(ctx context.Context, who *account, thisWindow bool) error {
	c, err := a.client(who.Server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), brief)
	defer cancel()
	return c.post(ctx, "/api/lock", object{"device": who.Device, "this_window": thisWindow}, nil)
}

// session returns the client of the person who is signed in. If the agent is locked,
// session first asks for password and code.
func (a *agent) session(ctx context.Context) (client, error) {
	if a.state(ctx) != nil {
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

// open opens the vault with the values that the server returns for password and code.
func (a *agent) open(ctx context.Context) error {
	if err := a.who(); err != nil {
		return err
	}
	who := a.account // a lock that another window asks for forgets it
	c, err := a.client(who.Server)
	if err != nil {
		return err
	}
	a.note(a.text("opening", "Email", who.Email))
	var in signedIn
	err = a.withPassword(ctx, a.text("askPassword"), func(password string) (err error) {
		in, err = a.enter(ctx, c, object{"device": who.Device, "password": password})
		return err
	})
	if errors.Is(err, io.EOF) {
		return errLocked
	}
	if err != nil {
		return a.over(err)
	}
	var opens struct{ Value, Next string }
	err = c.as(in.Session).post(ctx, "/api/unlock", object{"device": who.Device}, &opens)
	if _, ended := refusedFor(err, "signed_out"); ended { // by a set-up just now, which began a new session
		return a.keeps(ctx, c, in)
	}
	if err != nil {
		a.abandon(ctx, c.as(in.Session))
		return a.over(err)
	}
	if err := a.renew(ctx, c, opens.Value, opens.Next); err != nil {
		_ = a.tell(ctx, who, true)
		return err
	}
	return nil
}

// renew opens the vault with one of two values, seals it with the second, and makes the
// server forget the first: an older copy of the vault can never be opened again.
func (a *agent) renew(ctx context.Context, c client, first, second string) error {
	value, err := applock.ParseValue(first)
	next, err2 := applock.ParseValue(second)
	if err := errors.Join(err, err2); err != nil {
		return errors.Join(errAnswer, err)
	}
	err = a.vault.Open(a.Now(), value)
	if errors.Is(err, applock.ErrValue) { // an earlier run ended before it told the server that it had kept the second value
		err = a.vault.Open(a.Now(), next)
	}
	if err != nil {
		return err
	}
	content, err := a.vault.Content(a.Now())
	if err != nil {
		return err
	}
	defer clear(content)
	vault, err := applock.New(a.Now(), a.options(a.account), next, content)
	if err != nil {
		return err
	}
	if err := a.watch(); err != nil {
		return err
	}
	if err := a.files.keep(a.account, vault.Encode()); err != nil {
		return err
	}
	a.vault.Lock()
	a.vault, a.opened = vault, true
	if a.mark == "" { // there has been no lock: write a mark, so that a later lock changes it
		if err := a.opens(); err != nil {
			return err
		}
	}
	// If the answer is lost, the first value can be used once more, and nothing else
	// happens.
	_ = c.post(ctx, "/api/unlock/kept", object{"device": a.account.Device, "next": second}, nil)
	return nil
}

// over forgets the account if the server no longer knows its session, and locks the agent
// if the server says that the session is locked.
func (a *agent) over(err error) error {
	if _, ok := refusedFor(err, "locked"); ok {
		a.shut()
	}
	if _, ok := refusedFor(err, "signed_out"); ok && a.account != nil {
		err = errors.Join(err, a.files.forget(a.account))
		a.shut()
	}
	return err
}
