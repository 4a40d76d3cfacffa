package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

const (
	processes = 2
	moves     = 6 // the moves of a hand in a round
)

// Play has four hands with each of some stores, as separate processes would, play one
// record and one account, round by round, and checks the answers. The account is set up
// in s.
func Play(s store.Store, rounds int, stores ...store.Store) (race.Figures, error) {
	return noting(rounds, func(_ string, l *Log) error {
		o, err := found(context.Background(), s, l)
		if err != nil {
			return err
		}
		for round := range rounds {
			for _, at := range []*setup{nil, &o.setup} {
				faults := make([]error, len(stores))
				race.Hands(len(stores), func(i int) {
					one := order{Record: numbered(round), Setup: at, Moves: moves}
					g, err := one.game(stores[i], l)
					if err == nil {
						err = one.play(g)
					}
					faults[i] = err
				})
				if err := errors.Join(faults...); err != nil {
					return err
				}
			}
			o.later()
		}
		return nil
	})
}

// Race has two processes play one record and one account, new ones in each round, and
// checks the answers. s is the store in this process, where names the store for the
// children, who play role.
func Race(s store.Store, role, where string, rounds int) (race.Figures, error) {
	return noting(rounds, func(dir string, l *Log) (err error) {
		children, err := race.StartAll(role, where, processes)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, children.End()) }()
		o, err := found(context.Background(), s, l)
		if err != nil {
			return err
		}
		for round := range rounds {
			for _, at := range []*setup{nil, &o.setup} {
				line, err := json.Marshal(order{Dir: dir, Record: numbered(round), Setup: at, Moves: moves})
				if err != nil {
					return err
				}
				if _, err := children.Ask(func(int) string { return string(line) }); err != nil {
					return err
				}
			}
			o.later()
		}
		return nil
	})
}

// Kill has two processes play one record and one account, and kills both after some
// moves, round by round; others go on where they stopped.
func Kill(s store.Store, role, where string, rounds int) (race.Figures, error) {
	return noting(rounds, func(dir string, l *Log) error {
		ctx := context.Background()
		o, err := found(ctx, s, l)
		if err != nil {
			return err
		}
		for round := range rounds {
			g := &registry{store: Wrap(s, l), id: numbered(round)}
			for _, at := range []*setup{nil, &o.setup} {
				if err := killed(role, where, order{Dir: dir, Record: g.id, Setup: at, Endless: true}); err != nil {
					return err
				}
			}
			if err := errors.Join(g.move(ctx, 0), o.move(ctx, 0)); err != nil {
				return err
			}
			o.later()
		}
		return nil
	})
}

// killed starts the players and kills them after some moves.
func killed(role, where string, o order) error {
	children, err := race.StartAll(role, where, processes)
	if err != nil {
		return err
	}
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	for _, c := range children {
		err = errors.Join(err, c.Order(string(line)))
	}
	for range 1 + rand.IntN(20) {
		if _, ok := children[0].Answer(); !ok {
			return errors.Join(errors.New("a child has died"), err, children.End())
		}
	}
	for _, c := range children {
		err = errors.Join(err, c.Kill())
		if c.End() == nil {
			err = errors.Join(err, errors.New("a child ended by itself"))
		}
	}
	return err
}

// Crash has four hands play one record and one account, kills the server after some
// moves, starts it again, and so on. Early says that the server shows a write to others
// before it is on the disk: see [durable].
func Crash(s store.Store, server race.Server, rounds int, early bool) (race.Figures, error) {
	look := all
	if early {
		look = durable
	}
	return looking(look, rounds, func(_ string, l *Log) error {
		ctx := context.Background()
		o, err := found(ctx, s, l)
		if err != nil {
			return err
		}
		for round := range rounds {
			for _, g := range []game{&registry{store: Wrap(s, l), id: numbered(round)}, o} {
				if err := crashed(g, server); err != nil {
					return err
				}
			}
			o.later()
		}
		return nil
	})
}

// crashed plays until the server is killed, and then a little on the new one.
func crashed(g game, server race.Server) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	moved := make(chan struct{})
	ended := make(chan error, 1)
	go func() { ended <- play(ctx, g, moved) }()
	for range 1 + rand.IntN(40) {
		select {
		case <-moved:
		case err := <-ended:
			return err
		}
	}
	err := server.Kill()
	cancel() // the dead server will never answer what it has not answered yet
	if err := errors.Join(err, <-ended, server.Start()); err != nil {
		return err
	}
	return order{Moves: moves}.play(g)
}

// play has hands move until the context ends, and sends to moved after each move.
func play(ctx context.Context, g game, moved chan<- struct{}) error {
	var faults [hands]error
	race.Hands(hands, func(hand int) {
		for faults[hand] == nil && ctx.Err() == nil {
			faults[hand] = g.move(ctx, hand)
			select {
			case moved <- struct{}{}:
			case <-ctx.Done():
			}
		}
	})
	return errors.Join(faults[:]...)
}

// noting gives the rig a folder for its logs, and checks them.
func noting(rounds int, rig func(dir string, l *Log) error) (race.Figures, error) {
	return looking(all, rounds, rig)
}

// looking is noting with a choice of the operations that are checked.
func looking(look func([]Op) []Op, rounds int, rig func(dir string, l *Log) error) (saw race.Figures, err error) {
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		return saw, err
	}
	defer os.RemoveAll(dir)
	l, err := Create(dir)
	if err != nil {
		return saw, err
	}
	fault := errors.Join(rig(dir, l), l.Close())
	ops, err := Read(dir)
	if err != nil {
		return saw, err
	}
	saw, err = Check(look(ops))
	saw.Rounds = rounds
	return saw, errors.Join(err, fault)
}

func numbered(n int) store.AccountID {
	return store.AccountID{Tenant: "acme", User: fmt.Sprintf("history %d", n)}
}
