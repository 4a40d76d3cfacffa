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
