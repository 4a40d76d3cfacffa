package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// An order tells a child what to play.
type order struct {
	Dir     string          // the folder of the logs
	Record  store.AccountID // the record of the registry
	Setup   *setup          // the account of the sign-ins, if that is played instead
	Moves   int             // the number of moves of each hand
	Endless bool            // instead, until the child is killed, with an answer after each move
}

// Player returns the role of the children of [Race] and [Kill].
func Player(open race.Opener) race.Role {
	return race.With(open, func(s store.Store) error {
		var log *Log
		err := race.Obey(func(line string) (answer string, err error) {
			var o order
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				return "", err
			}
			if log == nil {
				if log, err = Create(o.Dir); err != nil {
					return "", err
				}
			}
			g, err := o.game(s, log)
			if err != nil {
				return "", err
			}
			return "done", o.play(g)
		})
		if log != nil {
			err = errors.Join(err, log.Close())
		}
		return err
	})
}

// game returns the game to play over the store.
func (o order) game(s store.Store, l *Log) (game, error) {
	if o.Setup != nil {
		return newSignIns(s, l, *o.Setup)
	}
	return &registry{store: Wrap(s, l), id: o.Record}, nil
}

func (o order) play(g game) error {
	var mu sync.Mutex
	var faults [hands]error
	race.Hands(hands, func(hand int) {
		for n := 0; (o.Endless || n < o.Moves) && faults[hand] == nil; n++ {
			faults[hand] = g.move(context.Background(), hand)
			if o.Endless {
				mu.Lock()
				fmt.Println("moved")
				mu.Unlock()
			}
		}
	})
	return errors.Join(faults[:]...)
}
