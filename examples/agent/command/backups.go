package command

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// each calls f with every backup that the person can see, page by page, because one
// answer may not hold them all.
func (a *agent) each(ctx context.Context, c client, f func(backup)) error {
	for after := ""; ; {
		var page struct {
			Backups []backup
			Next    string
		}
		if err := c.get(ctx, "/api/backups?after="+url.QueryEscape(after), &page); err != nil {
			return a.over(err)
		}
		for _, b := range page.Backups {
			f(b)
		}
		if page.Next == "" || page.Next == after {
			return nil
		}
		after = page.Next
	}
}

func (a *agent) list(ctx context.Context, _ []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	n := 0
	err = a.each(ctx, c, func(b backup) {
		n++
		fmt.Fprintln(a.Out, a.backupLine(b))
	})
	if err == nil && n == 0 {
		a.say(a.text("noBackups"))
	}
	return err
}

// backupLine describes a backup in columns. Names of zones differ in length: a list may
// have CET and CEST, and some zones have only an offset, such as +0530.
func (a *agent) backupLine(b backup) string {
	return fmt.Sprintf("%-12s  %-20s  %-22s  %6d GB", clean(b.ID), clean(b.Machine), a.textTime(b.Taken), b.Gigabytes)
}

// delete deletes a backup. The server requires a code for it, and the agent says what the
// code is for.
func (a *agent) delete(ctx context.Context, args []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	var b backup
	path := "/api/backups/" + url.PathEscape(args[0])
	err = c.get(ctx, path, &b)
	if _, none := refusedFor(err, "not_found"); none {
		return errNoBackup
	}
	if err == nil && b.ID != args[0] {
		err = errAnswer
	}
	if err != nil {
		return a.over(err)
	}
	what := a.text("delete", "Machine", b.Machine, "Taken", a.textTime(b.Taken), "Gigabytes", b.Gigabytes)
	err = a.stepUp(ctx, c, func(string) string { return what }, func(c client) error {
		return c.call(ctx, http.MethodDelete, path, nil, nil)
	})
	if err == nil {
		a.say(a.text("deleted"))
	}
	return err
}

// stepUp calls do. If the server requires another code, stepUp says what the code is for,
// naming the target, asks the person for it and calls do again with the proof.
func (a *agent) stepUp(ctx context.Context, c client, what func(target string) string, do func(client) error) error {
	err := do(c)
	asked, ok := refusedFor(err, "proof_required")
	if !ok {
		return a.over(err)
	}
	a.note(what(asked.TargetName))
	proof, err := a.prove(ctx, c, asked)
	if err != nil {
		return err
	}
	return a.over(do(c.proved(proof)))
}

// prove asks for a code and returns a proof for the action that the server has named. For
// an action the server does not name the methods, but it did at the sign-in of this run.
func (a *agent) prove(ctx context.Context, c client, asked *refusal) (string, error) {
	var shown struct{ Proof string }
	asked.Methods = a.methods
	ask := object{"action": asked.Action, "target": asked.Target}
	err := a.withCode(ctx, asked, nil, func(given code) error {
		return c.post(ctx, factor+"/reauthenticate", with(ask, given), &shown)
	})
	return shown.Proof, a.over(err)
}
