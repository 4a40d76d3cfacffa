package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/totptest"
)

// A Rig has two processes with 64 goroutines each do the same at once, round by round.
type Rig struct {
	Name   string
	Rounds int

	long  int
	round func(*fixture) error
}

// Rigs returns all of them, with as many rounds as [race.Rounds] says.
func Rigs() []Rig {
	rigs := []Rig{
		{"one code", 5, 200, (*fixture).oneCode},
		{"one recovery code", 3, 200, (*fixture).oneRecoveryCode},
		{"one set-up", 3, 200, (*fixture).oneSetUp},
		{"a revoked browser", 5, 200, (*fixture).revokedBrowser},
		{"one budget", 1, 20, (*fixture).oneBudget},
	}
	for i, r := range rigs {
		rigs[i].Rounds = race.Rounds(r.Rounds, r.long)
	}
	return rigs
}

// Long returns the rig with the rounds of its long form, for a store on which it needs
// several to fail.
func (r Rig) Long() Rig {
	r.Rounds = r.long
	return r
}

// Run returns what was seen, and an error as soon as a round has gone wrong. s is the
// store in this process, where names the store for the children, who play role.
func (r Rig) Run(s store.Store, role, where string) (saw race.Figures, err error) {
	replicas, err := race.StartAll(role, where, processes)
	if err != nil {
		return saw, err
	}
	defer func() { err = errors.Join(err, replicas.End()) }()
	f := &fixture{
		ctx: context.Background(), ring: keyring.Generate(), run: rand.Text(),
		clock: totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)), replicas: replicas, figures: &saw,
	}
	if f.Service, err = Open(s, f.ring, f.clock); err != nil {
		return saw, err
	}
	for ; saw.Rounds < r.Rounds; saw.Rounds++ {
		if err := r.round(f); err != nil {
			return saw, fmt.Errorf("%s, round %d: %w", r.Name, saw.Rounds, err)
		}
	}
	return saw, nil
}
