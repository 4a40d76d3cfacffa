package race

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/totpflow/totpflow/store"
)

const writers = 8

// A Server is a server that [Crash] kills and starts again.
type Server interface {
	Kill() error
	Start() error
}

// Crash kills the server after a random number of acknowledgements while eight writers
// write, starts it again, and so on. It returns how many there were, and which of these
// writes the store lacks.
func Crash(s store.Store, server Server, rounds int) (acknowledged int, lost []Loss, err error) {
	for round := range rounds {
		made, last, err := crashed(s, server, round)
		if err != nil {
			return acknowledged, lost, err
		}
		if err := server.Start(); err != nil {
			return acknowledged, lost, err
		}
		acknowledged += len(made)
		lost = append(lost, missing(s, made)...)
		for writer, n := range last {
			if n > 0 {
				lost = append(lost, counted(s, numbered(round, writer, 0), n)...)
			}
		}
	}
	return acknowledged, lost, nil
}

// crashed returns the versions of the records that the writers made before the server was
// killed, and the last number that each has counted to.
func crashed(s store.Store, server Server, round int) (made map[store.AccountID]string, last [writers]uint64, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	made = make(map[store.AccountID]string)
	enough := make(chan struct{})
	patience := 100 + rand.IntN(200)

	var mu sync.Mutex
	var wg sync.WaitGroup
	var faults [writers]error
	for writer := range writers {
		wg.Go(func() {
			faults[writer] = write(ctx, s, round, writer, func(n uint64, rec store.Record) {
				mu.Lock()
				defer mu.Unlock()
				made[rec.ID], last[writer] = rec.Version.String(), n
				if patience--; patience == 0 {
					close(enough)
				}
			})
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-enough:
	case <-ended:
		return nil, last, fmt.Errorf("round %d: the writers ended by themselves: %w", round, faults[0])
	}
	err = server.Kill()
	cancel() // the dead server will never answer what it has not answered yet
	<-ended
	return made, last, err
}
