package race

import (
	"context"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/store"
)

// Cut has a code used over a cable that is cut after more and more bytes, a step from one
// to the next, and the same code once more when the cable is healed, as people do after
// an error. It returns an error if the code was accepted both times, or if it is unused
// afterwards. s is the store without the cable, and open opens it through the cable.
func Cut(s store.Store, cable *Cable, open Opener, where string, step int) (cuts int, err error) {
	code, err := stored(s)
	if err != nil {
		return 0, err
	}
	return cable.Anywhere(step, func(fault Fault, after int) (come bool, err error) {
		code++
		through, shut, err := open(where)
		if err != nil {
			return false, err
		}
		defer func() { _ = shut() }()
		if _, err := stored(through); err != nil { // connects
			return false, err
		}
		var first error
		come = cable.During(fault, after, func(ctx context.Context) { first = use(ctx, through, code) })
		second := use(context.Background(), s, code)
		now, err := stored(s)
		if err != nil {
			return come, err
		}
		return come, judge(come, first, second, code, now)
	})
}

// judge compares the answers with the stored code.
func judge(come bool, first, second error, code, now uint64) error {
	switch {
	case now != code:
		return fmt.Errorf("code %d was used, and %d is stored", code, now)
	case first == nil && second == nil:
		return errors.New("one code was valid twice")
	case first == nil && !errors.Is(second, errUsed), first != nil && second != nil && !errors.Is(second, errUsed):
		return fmt.Errorf("first %w, then %w", first, second)
	case first != nil && !errors.Is(first, store.ErrUnavailable):
		return fmt.Errorf("a cut is not %w", first)
	case !come && first != nil:
		return fmt.Errorf("nothing was cut, and yet: %w", first)
	}
	return nil
}

// use accepts a code that is newer than the last one.
func use(ctx context.Context, s store.Store, code uint64) error {
	return store.Update(ctx, s, Alice, func(was store.Record, _ bool) (*store.Record, error) {
		if Count(was) >= code {
			return nil, errUsed
		}
		return Counter(code), nil
	})
}
