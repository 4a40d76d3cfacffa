package command

import (
	"context"
	"errors"
)

// lock locks this window and all others, even one that sets up before anyone is signed
// in. It reports a lock only if every window learns about it.
func (a *agent) lock(ctx context.Context, _ []string) error {
	_, unmarked := a.files.lock()
	var file *fileError
	if unmarked != nil && !errors.As(unmarked, &file) {
		unmarked = a.files.fault(lockFile, errUnmarked)
	}
	fault := a.who()
	if a.account == nil {
		return errors.Join(unmarked, fault)
	}
	untold := a.tell(ctx, a.account, false)
	opened := a.opened
	if opened {
		a.wipe()
	}
	a.shut()
	if untold != nil {
		defer a.note(a.text("lockUntold"))
	}
	if unmarked != nil {
		return unmarked
	}
	a.say(a.text("nowLocked"))
	if opened { // the files were read before that
		fault = a.who()
	}
	if fault != nil && !errors.Is(fault, errSignedOut) {
		a.noteFault(fault)
	}
	return nil
}

// noteFault says which file is at fault, although the agent has locked: the next unlock
// refuses the file.
func (a *agent) noteFault(err error) {
	_, text := a.explain(err)
	var file *fileError
	if errors.As(err, &file) && errors.Is(file, errForeign) {
		text = a.text("foreignLocked", "File", file.path)
	}
	a.correct(text)
}

func (a *agent) unlock(ctx context.Context, _ []string) error {
	if a.state(ctx) != nil {
		if err := a.open(ctx); err != nil {
			return err
		}
	}
	a.say(a.text("nowOpen"))
	return nil
}

// close locks the agent, which stays unlocked only while it runs.
func (a *agent) close(ctx context.Context) {
	if a.state(ctx) == nil {
		_ = a.tell(ctx, a.account, true)
	}
	a.shut()
}
