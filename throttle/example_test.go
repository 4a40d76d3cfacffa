package throttle_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/throttle"
)

// The order of a verification: ask, compare the code, charge or clear, write, answer.
func Example() {
	limits := throttle.Default()
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	const chances = 3 // one authenticator, three steps

	var budget throttle.Budget // as it was loaded
	for range 5 {
		if err := budget.Allow(now, limits, chances); err != nil {
			fmt.Println(err)
		}
		budget = budget.Fail(now, limits, "challenge-1", chances) // the code was wrong
	}

	var refused *throttle.Error
	if errors.As(budget.Allow(now, limits, chances), &refused) {
		fmt.Println(refused)
		fmt.Println("two consecutive codes accepted:", refused.Pair)
	}

	now = now.Add(30 * time.Second)
	fmt.Println("later:", budget.Allow(now, limits, chances))
	budget = budget.Succeed(now, "challenge-1") // the code was right
	fmt.Println("wrong in a row:", budget.ConsecutiveFailures())
	// Output:
	// throttle: too many attempts until 2026-03-28T09:00:30Z
	// two consecutive codes accepted: true
	// later: <nil>
	// wrong in a row: 0
}

func ExampleBudget_Pair() {
	limits := throttle.Default()
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	var budget throttle.Budget
	for range 6 {
		budget, _ = budget.Pair(now, limits)
	}
	_, err := budget.Pair(now, limits)
	fmt.Println(err)
	// Output:
	// throttle: too many attempts until 2026-03-28T09:00:30Z
}

func ExampleRate_Take() {
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	var recovery throttle.Rate
	for range 10 {
		recovery, _ = recovery.Take(now, 10, time.Hour)
	}
	_, err := recovery.Take(now, 10, time.Hour)
	fmt.Println(err)
	// Output:
	// throttle: too many attempts until 2026-03-28T10:00:00Z
}
