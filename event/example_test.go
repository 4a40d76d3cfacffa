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

// A host's sink: it stores what it takes, and the account offers the rest
// again.
func Example() {
	var activity event.Activity // lies in the account's record
	down := true
	sink := event.SinkFunc(func(_ context.Context, e event.Event) error {
		if down {
			return errors.New("the log's disk is full")
		}
		fmt.Println(e.Number, e.User, e.Kind)
		return nil
	})
	flow := func(kind event.Kind) {
		now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
		activity, _ = activity.Append(event.Event{At: now, User: "alice", Kind: kind})
		// The record is written here, and only then:
		for _, e := range activity.Outbox("", "alice") {
			if sink.Record(context.Background(), e) != nil {
				return
			}
			activity = activity.Acknowledged(e.Number)
		}
	}
	flow(event.EnrollmentConfirmed)
	down = false
	flow(event.SignedIn)
	fmt.Println("last change:", activity.Changes()[0].Kind)
	fmt.Println("attempts:", activity.Attempts())
	// Output:
	// 1 alice enrollment_confirmed
	// 2 alice signed_in
	// last change: enrollment_confirmed
	// attempts: [{2026-03-28 map[signed_in:1]}]
}

func ExampleSlog() {
	var out bytes.Buffer
	sink := event.Slog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain})))
	_ = sink.Record(context.Background(), event.Event{
		Number: 7, User: "alice", Kind: event.CodeRejected, Method: "totp",
		Source: event.Source{Address: "192.0.2.1", UserAgent: "curl\x1b[2J"},
	})
	fmt.Print(out.String())
	// Output:
	// level=WARN msg="second factor" kind=code_rejected number=7 user=alice method=totp address=192.0.2.1 user_agent="curl�[2J"
}

// What happens goes to the log, and what happens to many accounts at once to
// whoever is on call.
func ExampleSprayDetector() {
	onCall := func(_ context.Context, guesses []event.Event) {
		fmt.Printf("%d wrong codes since %s, the first from %s\n",
			len(guesses), guesses[0].At.Format(time.TimeOnly), guesses[0].Source.Address)
	}
	sink := event.Tee(
		event.Slog(slog.New(slog.DiscardHandler)),
		&event.SprayDetector{Refusals: 30, Accounts: 10, Alarm: onCall},
	)
	now := time.Date(2026, time.March, 28, 3, 0, 0, 0, time.UTC)
	for i := range 100 { // two guesses on each of 50 accounts, whose passwords were right
		_ = sink.Record(context.Background(), event.Event{
			At: now.Add(time.Duration(i) * time.Second), User: fmt.Sprint("user", i/2), Kind: event.CodeRejected,
			Source: event.Source{Address: "203.0.113.7"},
		})
	}
	// Output:
	// 31 wrong codes since 03:00:00, the first from 203.0.113.7
}

// A mail for every change, beside the log. Where the mail fails, both are told
// again, and the log knows the event by its number.
func ExampleTee() {
	mail := event.SinkFunc(func(_ context.Context, e event.Event) error {
		if e.Kind.SecurityChange() && e.User != "" {
			fmt.Println("mail to", e.User, "about", e.Kind)
		}
		return nil
	})
	log := event.SinkFunc(func(_ context.Context, e event.Event) error {
		fmt.Println("log", e.Number, e.Kind)
		return errors.New("disk is full")
	})
	err := event.Tee(mail, log).Record(context.Background(), event.Event{Number: 4, User: "alice", Kind: event.AuthenticatorRestored, Actor: "bob"})
	fmt.Println(err)
	// Output:
	// mail to alice about authenticator_restored
	// log 4 authenticator_restored
	// disk is full
}
