package event_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow/event"
)

// The packages alone: the account's record keeps the events until the person was told. A
// service does all of this.
func Example() {
	var activity event.Activity // in the account's record
	down := true
	mail := event.NotifierFunc(func(_ context.Context, n event.Notification) error {
		if down {
			return errors.New("the mail server does not answer")
		}
		fmt.Println("mail", n.Number(), "to", n.User, "about", n.Main().Kind)
		return nil
	})
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	flow := func(kinds ...event.Kind) {
		now = now.Add(time.Minute)
		for _, kind := range kinds {
			activity, _ = activity.Append(event.Event{At: now, User: "alice", Kind: kind})
		}
		// The record is written here, and only then:
		for _, n := range activity.Notifications("", "alice") {
			if mail.Notify(context.Background(), n) != nil {
				return
			}
			activity = activity.Acknowledged(n)
		}
	}
	flow(event.RecoveryCodesMade, event.EnrollmentConfirmed)
	down = false
	flow(event.SignedIn)
	fmt.Println("last change:", activity.Changes()[0].Kind)
	fmt.Println("attempts:", activity.Attempts())
	// Output:
	// mail 2 to alice about enrollment_confirmed
	// last change: enrollment_confirmed
	// attempts: [{2026-03-28 map[signed_in:1]}]
}

func ExampleSlog() {
	var out bytes.Buffer
	log := event.Slog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain})))
	log.Observe(context.Background(), event.Event{
		Number: 7, User: "alice", Kind: event.CodeRejected, Method: "totp",
		Source: event.Source{Address: "192.0.2.1", UserAgent: "curl\x1b[2J"},
	})
	fmt.Print(out.String())
	// Output:
	// level=WARN msg="second factor" kind=code_rejected number=7 user=alice method=totp address=192.0.2.1 user_agent="curl�[2J"
}

// Every event goes to the log, and guesses at many accounts at once to the person on
// call.
func ExampleSprayDetector() {
	onCall := func(_ context.Context, guesses []event.Event) {
		fmt.Printf("%d wrong codes since %s, the first from %s\n",
			len(guesses), guesses[0].At.Format(time.TimeOnly), guesses[0].Source.Address)
	}
	observer := event.Tee(
		event.Slog(slog.New(slog.DiscardHandler)),
		&event.SprayDetector{Refusals: 30, Accounts: 10, Alarm: onCall},
	)
	now := time.Date(2026, time.March, 28, 3, 0, 0, 0, time.UTC)
	for i := range 100 { // two guesses on each of 50 accounts, whose passwords were right
		observer.Observe(context.Background(), event.Event{
			At: now.Add(time.Duration(i) * time.Second), User: fmt.Sprint("user", i/2), Kind: event.CodeRejected,
			Source: event.Source{Address: "203.0.113.7"},
		})
	}
	// Output:
	// 31 wrong codes since 03:00:00, the first from 203.0.113.7
}

// Several observers: a log, and a count for metrics.
func ExampleTee() {
	counts := map[event.Kind]int{}
	count := event.ObserverFunc(func(_ context.Context, e event.Event) { counts[e.Kind]++ })
	log := event.ObserverFunc(func(_ context.Context, e event.Event) { fmt.Println("log", e.Number, e.Kind) })
	event.Tee(count, log).Observe(context.Background(), event.Event{Number: 4, User: "alice", Kind: event.AuthenticatorRestored, Actor: "bob"})
	fmt.Println(counts)
	// Output:
	// log 4 authenticator_restored
	// map[authenticator_restored:1]
}
