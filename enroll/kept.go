package enroll

import (
	"slices"
	"time"
)

// RecoverableLifetime is how long an authenticator that was taken away can be brought back by
// [Enrollment.Restore].
const RecoverableLifetime = 72 * time.Hour

// A Recoverable describes an authenticator that was replaced, removed or disabled less
// than [RecoverableLifetime] ago. It verifies nothing, and is kept in case somebody other
// than its owner took it away. It holds no secret.
type Recoverable struct {
	ID, Name    string    // as they were, and will be after [Enrollment.Restore]
	Added, Used time.Time // as in [Authenticator]
	Until       time.Time // when it is deleted for good; UTC, whole milliseconds
}

// shelved is an authenticator that is kept.
type shelved struct {
	Authenticator
	until time.Time
}

// over is also true for a weak one that would lapse as soon as it is back.
func (k shelved) over(at time.Time) bool { return !at.Before(k.until) || k.Authenticator.over(at) }

// Recoverable returns what can be brought back at that time, the oldest first. There are
// at most [MaxAuthenticators]; if there would be more, those added last are not kept.
func (e Enrollment) Recoverable(at time.Time) []Recoverable {
	var kept []Recoverable
	for _, k := range e.Expire(at).kept {
		kept = append(kept, Recoverable{ID: k.ID, Name: k.Name, Added: k.Added, Used: k.Used, Until: k.until})
	}
	return kept
}

// shelve keeps removed authenticators. The oldest have priority: a thief in a stolen
// session who replaces again and again adds only newer ones, and cannot push the owner's
// out.
func (e Enrollment) shelve(at time.Time, gone ...Authenticator) Enrollment {
	kept := slices.Clone(e.kept)
	for _, a := range gone {
		kept = append(kept, shelved{Authenticator: a, until: stamp(at.Add(RecoverableLifetime))})
	}
	slices.SortStableFunc(kept, func(a, b shelved) int { return a.Added.Compare(b.Added) })
	e.kept = kept[:min(len(kept), MaxAuthenticators)]
	return e
}

// sweepShelf drops authenticators that have been kept long enough.
func (e Enrollment) sweepShelf(at time.Time) Enrollment {
	e.kept = slices.DeleteFunc(slices.Clone(e.kept), func(k shelved) bool { return k.over(at) })
	return e
}

// Restore makes a kept authenticator live again, as the only one, by permission of an
// administrator: somebody other than the owner took it away. It has the same ID, name and
// last step as before, so a used code stays used. Authenticators that became live
// meanwhile are cleared for good and returned. The candidate and all other kept
// authenticators are cleared too: a thief who replaced twice must not have a second one
// to restore.
//
// Errors: [ErrUnknown] for an ID that is not, or no longer, kept; [ErrTransition] where
// nothing can be kept, after a reset and for a machine account; totp.ErrTime.
func (e Enrollment) Restore(at time.Time, id string) (Enrollment, Authenticator, []Authenticator, error) {
	next, err := e.take(at, Restore)
	if err != nil {
		return e, Authenticator{}, nil, err
	}
	i := slices.IndexFunc(next.kept, func(k shelved) bool { return k.ID == id })
	if i < 0 {
		return e, Authenticator{}, nil, ErrUnknown
	}
	back, was := next.kept[i].Authenticator, next.Authenticators()
	next = next.clear(at)
	// The same secret may have been enrolled again meanwhile, and used.
	back.Last = next.lastOf(back.Key)
	next.kept = nil
	next.live = []Authenticator{back}
	return next, back, was, nil
}
