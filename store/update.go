package store

import (
	"context"
	"errors"
	"fmt"
)

// rounds bounds how often Update decides. Somebody wins every round, so a caller loses
// this often only in a flood of calls for one account, or on a store that always reports
// a conflict.
const rounds = 32

// Update changes the record of id in the only order that is safe: load, decide,
// swap, then answer.
//
// decide gets the stored record, or found == false where there is none, and
// returns the record that should follow and the answer for the caller. A nil
// next writes nothing, and Update returns the answer at once. Otherwise Update
// sets the ID, writes, and returns the answer only after the store has
// acknowledged. The answer may be nil, or an error like "wrong code" that came
// with a counted failure: neither goes out before its write, so that no guess
// is free.
//
// Update draws the Version of the record that it writes. A decide that binds its sealed
// bytes to the version sets a version from [NewVersion] in next, a different one at each
// call, and Update writes that one. It must never be anything else, since Update
// recognises its own write by it.
//
// When another writer was faster, decide is called again with the new record;
// it must decide from its arguments alone and leave the effects (mail, logs,
// sessions) to the caller of Update. It may change and keep the record that it
// is given. If it panics, nothing is written.
//
// Besides the answer, Update returns:
//
//   - [ErrID], [ErrRecord] or [ErrTooLarge] for an id or a next record that the
//     contract refuses; nothing is written.
//   - [ErrUnavailable] wrapping the cause when the store cannot be read; when
//     the context is done (the error then wraps the context's as well); when 32
//     rounds were lost (it wraps [ErrConflict]); and when a write failed in any
//     other way and is not found in the store by a second look. Such a write is
//     not repeated, since it may have been done, or may still be. Where it is
//     certain that nothing was written, as when the first read failed, the error
//     wraps [ErrNotWritten] too.
//
// A write that the store reported as failed, but that is found there, counts as
// acknowledged: only this call knows the version that it drew. A write that is
// already overwritten when Update looks is not found, and decide sees its
// effect as somebody else's, such as a code that is already used.
func Update(ctx context.Context, s Store, id AccountID, decide func(was Record, found bool) (next *Record, answer error)) error {
	if err := id.Validate(); err != nil {
		return err
	}
	var mine Version // the version of the last write tried; zero before the first, which no stored record has
	var answer error
	for round := 0; ; round++ {
		was, found, err := load(ctx, s, id)
		if err != nil {
			return unavailable(ctx, "read", untried(mine, err))
		}
		if found && was.Version == mine {
			// The swap took place although the store reported a conflict: a driver or
			// proxy repeated it, and the second attempt found the first.
			return answer
		}
		if round == rounds {
			return unavailable(ctx, "write", ErrConflict)
		}

		before := was.Version // decide may change was
		var next *Record
		if next, answer = decide(was, found); next == nil {
			return answer
		}
		if err := ctx.Err(); err != nil {
			return unavailable(ctx, "write", untried(mine, err))
		}
		rec := *next
		rec.ID = id
		switch rec.Version {
		case Version{}, before: // not set, or next began as a copy of was
			rec.Version = NewVersion()
		case mine: // an earlier round may have written it, and somebody may hold it
			return fmt.Errorf("%w: a version for two rounds", ErrRecord)
		}
		if err := CheckPut(rec, before); err != nil {
			return err
		}
		mine = rec.Version

		err = s.Put(ctx, rec, before)
		if err == nil {
			return answer
		}
		if errors.Is(err, ErrNotWritten) {
			return unavailable(ctx, "write", err)
		}
		if !errors.Is(err, ErrConflict) {
			return settle(ctx, s, id, mine, err, answer)
		}
	}
}

// settle decides a write whose outcome is unknown by looking once. Seeing
// another version proves nothing: the write may have been overwritten, or may
// still be on its way, so deciding again could do a thing twice.
func settle(ctx context.Context, s Store, id AccountID, mine Version, cause, answer error) error {
	now, found, err := load(ctx, s, id)
	if err == nil && found && now.Version == mine {
		return answer
	}
	return unavailable(ctx, "write", cause)
}

// untried returns cause, and says that nothing was written where mine shows that this
// call has not tried to.
func untried(mine Version, cause error) error {
	if mine.IsZero() {
		return fmt.Errorf("%w: %w", ErrNotWritten, cause)
	}
	return cause
}

// load returns the stored record, and distinguishes "no record" from "no answer".
func load(ctx context.Context, s Store, id AccountID) (rec Record, found bool, err error) {
	rec, err = s.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Record{}, false, nil
	case err != nil:
		return Record{}, false, err
	case rec.ID != id || rec.Version.IsZero():
		// A column that ignores case answers "alice" with the record of
		// "Alice": somebody else's second factor.
		return Record{}, false, errors.New("the store returned a record other than the one that was requested")
	}
	return rec, true, nil
}

// unavailable wraps cause, and with it the context's error where a driver reports the end
// of the context in its own words.
func unavailable(ctx context.Context, op string, cause error) error {
	if done := ctx.Err(); done != nil && !errors.Is(cause, done) {
		return fmt.Errorf("%w: %s: %w (%w)", ErrUnavailable, op, cause, done)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, op, cause)
}
