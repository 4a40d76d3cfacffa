package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Reminders go to people who have nothing set up although their policy requires it, as an
// event of their own ([event.SetupReminded]) that the service's notifier hands over in
// the person's language. The write that records a reminder decides: of two clicks, or of
// two processes that run the same job, only one sends it. The record remembers a reminder
// for as long as it is one of the account's last event.MaxChanges changes. A person who
// signs out everywhere twenty times, and gets a mail each time, may be reminded again.

// remindAt are the times before the end of a grace at which people are reminded.
var remindAt = []time.Duration{30 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour}

// remindAgain is how long after a reminder the next one may be sent.
const remindAgain = 24 * time.Hour

var (
	// ErrNotMissing means that a reminder has no purpose: the account has a factor,
	// belongs to a machine, is frozen, or need not enroll.
	ErrNotMissing = errors.New("admin: this account has nothing to set up")

	// ErrReminded means that the person was reminded within the last 24 hours.
	ErrReminded = errors.New("admin: this person was reminded already")

	// ErrNotDue means that no reminder is due ([Admin.RemindDue]).
	ErrNotDue = errors.New("admin: no reminder is due")
)

// Remind reminds users of one tenant who have nothing set up, with one proof of
// [ActionRemind] on the tenant. It is for a button on the list of people who have not
// enrolled, including those who were reset. Each has their own outcome. Errors of an
// outcome: [ErrNotMissing], [ErrReminded].
func (a Admin) Remind(ctx context.Context, by Actor, tenant string, users []string) (_ []Outcome, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.remind")
	defer flow.End(&err)
	return a.remind(ctx, by, tenant, users, func(last, _, now time.Time) error {
		if !last.IsZero() && now.Sub(last).Abs() < remindAgain {
			return ErrReminded
		}
		return nil
	})
}

// RemindDue reminds those of the users whose grace period ends in 30 days, 7 days or one
// day, and who were not reminded since. It is for a job that runs once an hour or once a
// day, in any number of processes. A person whose grace period has not begun, because
// they have not signed in, is reminded if the policy has a deadline. Errors of an
// outcome: [ErrNotMissing], [ErrNotDue].
func (a Admin) RemindDue(ctx context.Context, by Operator, tenant string, users []string) (_ []Outcome, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.remind_due")
	defer flow.End(&err)
	return a.remind(ctx, by, tenant, users, func(last, until, now time.Time) error {
		if !until.After(now) { // past, or not begun
			return ErrNotDue
		}
		for _, before := range slices.Backward(remindAt) {
			from := until.Add(-before)
			if now.Before(from) {
				continue
			}
			if last.Before(from) { // the nearest of the times decides
				return nil
			}
			break
		}
		return ErrNotDue
	})
}

// remind reminds each user for whom may agrees; may gets the time of the last reminder
// and the end of the grace period.
func (a Admin) remind(ctx context.Context, by Actor, tenant string, users []string, may func(last, until, now time.Time) error) ([]Outcome, error) {
	if len(users) == 0 || len(users) > MaxAccounts {
		return nil, ErrBulk
	}
	for _, user := range users {
		if _, err := a.authorise(ctx, by, ActionRemind, store.AccountID{Tenant: tenant, User: user}); err != nil {
			return nil, err
		}
	}
	who, err := a.authoriseChange(ctx, by, ActionRemind, store.AccountID{Tenant: tenant})
	if err != nil {
		return nil, err
	}
	return each(who.lasting(ctx), tenant, users, func(ctx context.Context, id store.AccountID) (totpflow.Change, error) {
		p, err := a.engine.PolicyOf(ctx, id)
		if err != nil {
			return totpflow.Change{}, err
		}
		return a.changeAccount(ctx, id, func(tx *engine.Tx) error {
			if !mustEnroll(tx, p) {
				return ErrNotMissing
			}
			until, begins := tx.GraceUntil(p)
			if begins && tx.GraceBegins(p) { // it is counted from the first sign-in
				until = time.Time{}
			}
			if err := may(lastReminder(tx), until, tx.Now); err != nil {
				return err
			}
			reminded := event.Event{Kind: event.SetupReminded, Until: until}
			if tx.NeedsCode(p) {
				reminded.Method = string(totpflow.MethodIssuedCode)
			}
			who.log(tx, reminded)
			tx.Save()
			return nil
		})
	}), nil
}

// mustEnroll reports whether the person has to set up: by the policy, or after a reset,
// which asks for it without a grace period whatever the policy says.
func mustEnroll(tx *engine.Tx, p policy.Policy) bool {
	switch {
	case tx.HasFactor() || tx.Frozen():
		return false
	case tx.Enrollment.State(tx.Now) == enroll.ResetPending:
		return true
	}
	return p.Mode == policy.Required && tx.MayHaveGrace()
}

// lastReminder returns when the person was last reminded, as far as the record remembers;
// zero for never.
func lastReminder(tx *engine.Tx) time.Time {
	for _, e := range tx.Activity.Changes() { // newest first
		if e.Kind == event.SetupReminded {
			return e.At
		}
	}
	return time.Time{}
}
