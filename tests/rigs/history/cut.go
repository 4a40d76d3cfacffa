package history

import (
	"context"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Cut plays one record, and then one account, over a cable that is cut anywhere, a step
// from one cut to the next, and again without it. s is the store without the cable, and
// open opens it through the cable. Each cut is a round.
func Cut(s store.Store, cable *race.Cable, open race.Opener, where string, step int) (race.Figures, error) {
	var cuts int
	saw, err := noting(0, func(_ string, l *Log) error {
		ctx := context.Background()
		direct := Wrap(s, l)
		records, err := cable.Anywhere(step, through(cable, open, where, func(t store.Store, during func(func(context.Context))) error {
			cuts++
			g := registry{store: Wrap(t, l), id: numbered(cuts)}
			_ = g.swap(ctx) // connects
			during(func(ctx context.Context) { _ = g.swap(ctx) })
			g.store = direct
			_ = g.swap(ctx)
			return g.swap(ctx)
		}))
		if err != nil {
			return err
		}
		o, err := found(ctx, s, l)
		if err != nil {
			return err
		}
		codes, err := cable.Anywhere(step, through(cable, open, where, func(t store.Store, during func(func(context.Context))) error {
			o.later()
			far, err := newSignIns(t, l, o.setup)
			if err != nil {
				return err
			}
			if _, err := far.service.Account(o.User).Status(ctx); err != nil { // connects
				return err
			}
			code, op, err := o.code(0)
			if err != nil {
				return err
			}
			during(func(ctx context.Context) { err = far.verify(ctx, code, op, true) })
			if err != nil {
				return err
			}
			return o.verify(ctx, code, op, true)
		}))
		cuts = records + codes
		return err
	})
	saw.Rounds = cuts
	return saw, err
}

// through opens the store through the cable for each of its cuts.
func through(c *race.Cable, open race.Opener, where string, play func(t store.Store, during func(func(context.Context))) error) func(race.Fault, int) (bool, error) {
	return func(fault race.Fault, after int) (come bool, err error) {
		t, shut, err := open(where)
		if err != nil {
			return false, err
		}
		defer func() { _ = shut() }()
		err = play(t, func(act func(context.Context)) { come = c.During(fault, after, act) })
		return come, err
	}
}
