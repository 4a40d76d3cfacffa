package command

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
)

// register gives this computer the key of a machine account. It requires an administrator
// and a code, because the key signs in without one.
func (a *agent) register(ctx context.Context, args []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	path := "/api/machine/keys"
	if len(args) > 0 {
		path += "?machine=" + url.QueryEscape(args[0])
	}
	var made struct{ Key, Machine string }
	what := func(machine string) string {
		return a.text("register", "Organisation", a.account.Of, "Name", machine)
	}
	err = a.stepUp(ctx, c, what, func(c client) error {
		return c.post(ctx, path, object{}, &made)
	})
	if _, ok := refusedFor(err, "not_found"); ok {
		return a.noMachine(args)
	}
	if err != nil {
		return err
	}
	if err := a.files.writeJSON(machineFile, machine{version, a.account.Server, made.Machine, made.Key}); err != nil {
		return err
	}
	a.say(a.text("registered", "Name", made.Machine))
	return nil
}

// noMachine reports that the organisation has no such machine account or, without a name,
// that it does not have exactly one.
func (a *agent) noMachine(args []string) error {
	text := a.text("whichMachine", "Organisation", a.account.Of)
	if len(args) > 0 {
		text = a.text("noMachine", "Organisation", a.account.Of, "Name", args[0])
	}
	a.note(a.text("failure", "What", text))
	return &exit{ExitFailed}
}

// job is the unattended job. It uses no person's session, so it runs while the agent is
// locked, and it can do nothing but store a backup.
func (a *agent) job(ctx context.Context, args []string) error {
	var m machine
	switch err := a.files.readJSON(machineFile, &m); {
	case errors.Is(err, errNone):
		return errNotRegistered
	case err != nil:
		return err
	case m.Version != version:
		return a.files.fault(machineFile, errBroken)
	}
	c, err := a.client(m.Server)
	if err != nil {
		return err
	}
	folder := "."
	if len(args) > 0 {
		folder = args[0]
	}
	size, err := sizeOf(folder)
	if err != nil {
		return err
	}
	var in struct{ Token string }
	if err := c.post(ctx, "/api/machine/token", object{"key": m.Key}, &in); err != nil {
		return err
	}
	var kept backup
	const gigabyte = 1 << 30
	if err := c.as(in.Token).post(ctx, "/api/backups", object{"machine": printable(a.Host), "gigabytes": (size + gigabyte - 1) / gigabyte}, &kept); err != nil {
		return err
	}
	a.say(a.text("kept", "Machine", kept.Machine, "Gigabytes", kept.Gigabytes, "ID", kept.ID))
	return nil
}

// sizeOf returns the size of a folder. A product would also send the data to the server.
func sizeOf(folder string) (bytes int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, errors.Join(errFolder, err)
	}
	return bytes, nil
}
