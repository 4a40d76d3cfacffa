package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
)

// Actions that require another code, however the person signed in: a session that was
// left open, or a browser that is trusted, deletes no backup.
const (
	actionDeleteBackup totpflow.Action = "delete backup"
	actionShowKey      totpflow.Action = "show encryption key"
)

// A pending is what a person was about to do when they were asked for a code.
// It stays on the server: a field of the form could be exchanged between the
// question and the answer.
type pending struct {
	Question string // names it
	Action   totpflow.Action
	Backup   string
}

// pendingAge is how long a question stands. A code that is typed into a page
// from before lunch deletes nothing.
const pendingAge = 10 * time.Minute

// keepPending has the session remember what the person is about to do, in
// place of what it was before.
func (s *sessions) keepPending(ctx context.Context, p pending, at time.Time) {
	s.Put(ctx, "pending", p.Question)
	s.Put(ctx, "pending action", string(p.Action))
	s.Put(ctx, "pending backup", p.Backup)
	s.Put(ctx, "pending since", at.UnixNano())
}

// pending returns what the person is about to do. The zero pending is nothing.
func (s *sessions) pending(ctx context.Context, now time.Time) pending {
	if age := now.Sub(time.Unix(0, s.GetInt64(ctx, "pending since"))); age < 0 || age >= pendingAge {
		return pending{}
	}
	return pending{s.GetString(ctx, "pending"), totpflow.Action(s.GetString(ctx, "pending action")), s.GetString(ctx, "pending backup")}
}

// dropPending forgets it.
func (s *sessions) dropPending(ctx context.Context) { s.Remove(ctx, "pending since") }

// stepUpPage is what the page shows that asks for the code.
type stepUpPage struct {
	forms
	pending
	Backup backup
}

// Deletes reports whether the backup is about to be deleted; otherwise its key is
// about to be shown.
func (p stepUpPage) Deletes() bool { return p.Action == actionDeleteBackup }

// before returns a handler that asks for a code before the action.
func (c *console) before(a totpflow.Action) func(http.ResponseWriter, *http.Request, *visitor) error {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		b, err := c.archive.find(r.Context(), v.user, r.PathValue("id"))
		if err != nil {
			return err
		}
		c.sessions.keepPending(r.Context(), pending{rand.Text(), a, b.ID}, c.now())
		return redirect(w, r, "/stepup")
	}
}

func (c *console) getStepUp(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return c.stepUpPage(w, r, v, nil)
}

// stepUpPage asks for the code, and says what for.
func (c *console) stepUpPage(w http.ResponseWriter, r *http.Request, v *visitor, refused error) (err error) {
	p := c.sessions.pending(r.Context(), c.now())
	if p == (pending{}) {
		setNotice(w, "not-pending")
		return redirect(w, r, "/backups")
	}
	if refused != nil { // which may have used up a code, or begun a wait
		if v.Status, err = v.factor.Status(r.Context()); err != nil {
			return err
		}
	}
	b, err := c.archive.find(r.Context(), v.user, p.Backup)
	if err != nil {
		return err
	}
	return c.show(w, r, "stepup", refused, view{Visitor: v, Data: stepUpPage{forms{v, "stepup"}, p, b}})
}

// postStepUp goes on with what the person was about to do.
func (c *console) postStepUp(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p := c.sessions.pending(r.Context(), c.now())
	if p == (pending{}) || r.PostFormValue("pending") != p.Question { // answers a question of another tab
		return c.stepUpPage(w, r, v, nil)
	}
	b, err := c.archive.find(r.Context(), v.user, p.Backup) // before a code is spent on it
	if err != nil {
		return err
	}
	proof, err := v.reauthenticate(r, p.Action.On(b.ID))
	if err == nil {
		err = v.factor.ConsumeProof(r.Context(), proof, p.Action.On(b.ID))
	}
	if err != nil {
		return c.stepUpPage(w, r, v, err)
	}
	c.sessions.dropPending(r.Context())
	if p.Action == actionShowKey {
		key, err := c.archive.key(r.Context(), v.user, b.ID)
		if err != nil {
			return err
		}
		return c.show(w, r, "key", nil, view{Visitor: v, Data: keyPage{b, inFours(key)}})
	}
	if err := c.archive.delete(r.Context(), v.user, b.ID); err != nil {
		return err
	}
	setNotice(w, "backup-deleted")
	return redirect(w, r, "/backups")
}

// keyPage shows the key of a backup, once for each code.
type keyPage struct {
	backup
	Key string // in groups of four
}

func (c *console) postStepUpCancel(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	c.sessions.dropPending(r.Context())
	return redirect(w, r, "/backups")
}
