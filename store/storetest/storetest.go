// Package storetest checks a [store.Store] against the contract in its doc comment. Begin
// with [Run] in one test. It stores made-up records in the store that it is given. It
// defends against adapters that accept one code twice or lose a write. Crashes and
// failovers, which a program cannot see from outside, are left to you.
//
// An adapter needs one test:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
//	}
//
// where open returns an empty store, a new one for each case. Run it with -race, and
// where a database has isolation levels, once for each. A store that is also a [Damager]
// is tested with damaged records too.
//
// Two properties that a program cannot see from outside stay with the adapter's author:
// that an acknowledged write survives a crash, and that reads go to the primary also
// while a failover is under way.
//
// The package needs the standard library only.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/totpflow/totpflow/store"
)

// limit ends a case against a store that hangs. It is far above what an honest store on a
// slow machine needs.
const limit = 2 * time.Minute

// A testCase is one sentence of the contract and an attempt to break it. It returns an
// error instead of taking a *testing.T, so that the suite itself can be shown to fail.
type testCase struct {
	name string
	why  string // the sentence that it defends
	run  func(ctx context.Context, s store.Store) error
}

// suite returns all cases, in reading order.
func suite() []testCase {
	return slices.Concat(recordCases, versionCases, idCases, sizeCases, contextCases, raceCases, listCases, pagingCases, dueCases, moveCases, damageCases, countCases)
}

// Run checks the stores that open returns, each case as a separate subtest. open is
// called once per case and returns an empty store; it ends the test itself if it cannot,
// and cleans up by t.Cleanup. A failure is reported at the line that calls Run: the fault
// is in that store, and its text says what was seen.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, c := range suite() {
		t.Run(c.name, func(t *testing.T) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := c.run(ctx, open(t)); err != nil {
				t.Errorf("%v\nThe contract: %s", err, c.why)
			}
		})
	}
}

// A Failure is one case that a store did not pass.
type Failure struct {
	Case     string // name of the case
	Contract string // the sentence that it defends
	Err      error  // what was seen
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("storetest: %s: %v (the contract: %s)", f.Case, f.Err, f.Contract)
}

// Unwrap returns what was seen.
func (f *Failure) Unwrap() error { return f.Err }

// Check runs the same cases as [Run] without a *testing.T, for a program that
// examines the store it was configured with, and returns every failure. open
// returns an empty store each time; never point it at data that matters.
func Check(ctx context.Context, open func() (store.Store, error)) []*Failure {
	var failures []*Failure
	for _, c := range suite() {
		if err := check(ctx, c, open); err != nil {
			failures = append(failures, &Failure{Case: c.name, Contract: c.why, Err: err})
		}
	}
	return failures
}

func check(ctx context.Context, c testCase, open func() (store.Store, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return c.run(ctx, s)
}
