package command

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// backups are those that the person sees.
func (a *agent) backups(ctx context.Context, c client) ([]backup, error) {
	var all struct{ Backups []backup }
	err := a.over(c.get(ctx, "/api/backups", &all))
	return all.Backups, err
}

func (a *agent) list(ctx context.Context, _ []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	all, err := a.backups(ctx, c)
	if err != nil {
		return err
	}
	for _, b := range all {
		fmt.Fprintf(a.Out, "%-12s  %-20s  %s  %6d GB\n", clean(b.ID), clean(b.Machine), textTime(b.Taken), b.Gigabytes)
	}
	if len(all) == 0 {
		a.say(a.text("noBackups"))
	}
	return nil
}

// delete deletes a backup, for a code: the server asks for it, and the agent says
// what it is for.
func (a *agent) delete(ctx context.Context, args []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	all, err := a.backups(ctx, c)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.ID != args[0] {
			continue
		}
		err := a.stepUp(ctx, c, a.text("delete", "Machine", b.Machine, "Taken", textTime(b.Taken), "Gigabytes", b.Gigabytes), func(c client) error {
			return c.call(ctx, http.MethodDelete, "/api/backups/"+url.PathEscape(b.ID), nil, nil)
		})
		if err == nil {
			a.say(a.text("deleted"))
		}
		return err
	}
	return errNoBackup
}

// stepUp does something, and when the server asks for a code once more, asks the
// person and goes on with what they were doing.
func (a *agent) stepUp(ctx context.Context, c client, what string, do func(client) error) error {
	err := do(c)
	asked, ok := refusedFor(err, "proof_required")
	if !ok {
		return a.over(err)
	}
	a.note(what)
	proof, err := a.prove(ctx, c, asked)
	if err != nil {
		return err
	}
	return a.over(do(c.proved(proof)))
}

// prove asks for a code, for what the server has said that it is needed.
func (a *agent) prove(ctx context.Context, c client, asked *refusal) (string, error) {
	var shown struct{ Proof string }
	ask := object{"action": asked.Action, "target": asked.Target}
	err := a.withCode(ctx, asked, func(given code) error {
		return c.post(ctx, factor+"/reauthenticate", with(ask, given), &shown)
	})
	return shown.Proof, a.over(err)
}
