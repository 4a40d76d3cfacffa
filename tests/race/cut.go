package race

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/totpflow/totpflow/store"
)

// Cut has a code used over a cable that is cut after more and more bytes, and
// the same code once more when it is healed, as people do who have got an error. It returns an error if both were told that it is good, or if it
// is not used afterwards. s is the store without the cable, and open opens it
// through the cable.
func Cut(s store.Store, cable *Cable, open Opener, where string) (cuts int, err error) {
	code, err := stored(s)
	if err != nil {
		return 0, err
	}
	const step = 5 // bytes between two cuts
	for _, fault := range []Fault{{}, {Answers: true}, {Silent: true}, {Silent: true, Answers: true}} {
		for after := rand.IntN(step); ; after += step { // in time, every byte
			code++
			come, err := cutOnce(s, cable, open, where, code, fault, after)
			if err != nil {
				return cuts, fmt.Errorf("%+v after %d bytes: %w", fault, after, err)
			}
			if !come {
				break
			}
			cuts++
		}
	}
	return cuts, nil
}

func cutOnce(s store.Store, cable *Cable, open Opener, where string, code uint64, fault Fault, after int) (come bool, err error) {
	through, shut, err := open(where)
	if err != nil {
		return false, err
	}
	defer func() { _ = shut() }()
	if _, err := stored(through); err != nil { // the connection is there
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	silence := cable.Arm(fault, after)
	if fault.Silent {
		// Whoever waits for an answer that does not come has a deadline. How
		// long it is does not matter, and this one takes no time.
		go func() {
			select {
			case <-silence:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	first := use(ctx, through, code)
	come = cable.Heal()
	second := use(context.Background(), s, code)
	now, err := stored(s)
	switch {
	case err != nil:
		return come, err
	case now != code:
		return come, fmt.Errorf("code %d was used, and %d is stored", code, now)
	case first == nil && second == nil:
		return come, errors.New("one code was good twice")
	case first == nil && !errors.Is(second, errUsed), first != nil && second != nil && !errors.Is(second, errUsed):
		return come, fmt.Errorf("first %w, then %w", first, second)
	case first != nil && !errors.Is(first, store.ErrUnavailable):
		return come, fmt.Errorf("a cut is not %w", first)
	case !come && first != nil:
		return come, fmt.Errorf("nothing was cut, and yet: %w", first)
	}
	return come, nil
}

// use accepts a code that is newer than the last one.
func use(ctx context.Context, s store.Store, code uint64) error {
	return store.Update(ctx, s, alice, func(was store.Record, _ bool) (*store.Record, error) {
		if Count(was) >= code {
			return nil, errUsed
		}
		return Counter(code), nil
	})
}
