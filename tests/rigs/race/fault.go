package race

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Fault is what happens to a [Cable].
type Fault struct {
	Answers bool // counts the bytes from the server, instead of those to it
	Silent  bool // nothing gets through, instead of the connection's end
}

var faults = []Fault{{}, {Answers: true}, {Silent: true}, {Silent: true, Answers: true}}

// Anywhere calls try with each fault after more and more bytes, a step from one to the
// next, until try reports that the fault no longer comes. It returns how often it came.
// The bytes are in the order of time.
func (c *Cable) Anywhere(step int, try func(fault Fault, after int) (come bool, err error)) (cuts int, err error) {
	for _, fault := range faults {
		for after := rand.IntN(step); ; after += step {
			come, err := try(fault, after)
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

// During calls act, makes the fault come meanwhile, heals the cable, and reports whether
// the fault has come.
//
// A caller who waits for an answer that does not come has a deadline. How long it is does
// not matter, and this one takes no time: the context ends when the line goes silent. If
// the connection ends, a client may try to connect again for as long as the context
// lasts, which is a little longer.
func (c *Cable) During(fault Fault, after int, act func(ctx context.Context)) (come bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cut := c.Arm(fault, after)
	go func() {
		select {
		case <-cut:
			if fault.Silent {
				cancel()
			} else {
				time.AfterFunc(50*time.Millisecond, cancel)
			}
		case <-ctx.Done():
		}
	}()
	act(ctx)
	return c.Heal()
}
