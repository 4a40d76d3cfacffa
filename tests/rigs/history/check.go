package history

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/totpflow/totpflow/tests/rigs/race"
)

// ErrHistory means that no order of the operations explains the answers.
var ErrHistory = errors.New("history: not linearizable")

// patience is how long the checker may take for one record. If it cannot decide a
// history, that is a fault of the rig.
const patience = time.Minute

// Check looks for an order of the operations of each record, or of each account, that
// explains every answer. It returns the figures of the answers, and an error that is
// [ErrHistory] if there is none.
func Check(ops []Op) (saw race.Figures, err error) {
	of := make(map[string][]porcupine.Operation)
	for _, op := range ops {
		saw.Add(figures(op))
		if op.Answer == open && op.Do == get {
			continue // neither reads nor changes anything
		}
		if op.Answer == open { // at any time after the call, even after everything else
			op.Return = math.MaxInt64
		}
		of[op.Of] = append(of[op.Of], porcupine.Operation{Input: op, Call: int64(op.Call), Return: int64(op.Return)})
	}
	for name, ops := range of {
		switch porcupine.CheckOperationsTimeout(model, ops, patience) {
		case porcupine.Ok:
		case porcupine.Illegal:
			err = errors.Join(err, fmt.Errorf("%w: %d operations on %s", ErrHistory, len(ops), name))
		default:
			err = errors.Join(err, fmt.Errorf("history: %d operations on %s are not decided in %v", len(ops), name, patience))
		}
	}
	return saw, err
}

func figures(op Op) race.Figures {
	switch op.Answer {
	case open:
		return race.Figures{Attempts: 1, Unavailable: 1}
	case conflict, used:
		return race.Figures{Attempts: 1, Refused: 1}
	default:
		return race.Figures{Attempts: 1, Successes: 1}
	}
}

// A state is that of one record, or one account, at one moment.
type state struct {
	version string // empty: there is no record
	step    int64  // the step of the last code that was accepted
}

// model is the contract: of the store for each record, and for each account that a code
// is accepted if it is newer than the last accepted one.
var model = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(now, input, _ any) (bool, any) {
		ok, next := step(now.(state), input.(Op))
		return ok, next
	},
}

// step reports whether the answer is right at this moment, and returns the state after it.
func step(now state, op Op) (right bool, next state) {
	switch op.Do {
	case get:
		return op.Saw == now.version && (op.Answer == absent) == (now.version == ""), now
	case put, remove:
		return write(now, op)
	case verify:
		newer := op.Step > now.step
		right = op.Answer == open || (op.Answer == done) == newer
		if newer {
			now.step = op.Step
		}
		return right, now
	}
	return false, now
}

// write compares and swaps. An absent record cannot be deleted.
func write(now state, op Op) (right bool, next state) {
	fits := op.Was == now.version && (op.Do == put || op.Was != "")
	right = op.Answer == open || (op.Answer == done) == fits
	if fits {
		now.version = op.New
	}
	return right, now
}
