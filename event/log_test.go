package event_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// A person who knows one password and tries without end cannot fill the disk: refusals
// that cost nothing are one line a minute for each account and kind, with the number of
// those that were held back.
func TestRefusalsAreOneLineAMinute(t *testing.T) {
	var out bytes.Buffer
	log := event.Slog(slog.New(slog.NewTextHandler(&out, nil)))
	lines := func() int { n := strings.Count(out.String(), "\n"); out.Reset(); return n }
	for i := range 20_000 {
		log.Observe(t.Context(), event.Event{At: start.Add(time.Duration(i) * time.Millisecond), Tenant: "acme", User: "ana", Kind: event.Throttled})
	}
	require.Equal(t, 1, lines())
	log.Observe(t.Context(), event.Event{At: start.Add(time.Minute), Tenant: "acme", User: "ana", Kind: event.Throttled})
	require.Contains(t, out.String(), "held_back=19999")
	require.Equal(t, 1, lines())
	log.Observe(t.Context(), event.Event{At: start.Add(2 * time.Minute), Tenant: "acme", User: "ana", Kind: event.Throttled})
	require.NotContains(t, out.String(), "held_back")
	require.Equal(t, 1, lines())

	// Other accounts and other kinds have lines of their own, and so has a clock that was
	// set back.
	at := start.Add(2 * time.Minute)
	log.Observe(t.Context(), event.Event{At: at, Tenant: "acme", User: "ben", Kind: event.Throttled})
	log.Observe(t.Context(), event.Event{At: at, Tenant: "north", User: "ana", Kind: event.Throttled})
	log.Observe(t.Context(), event.Event{At: at, Tenant: "acme", User: "ana", Kind: event.CodeMalformed})
	log.Observe(t.Context(), event.Event{At: start, Tenant: "acme", User: "ana", Kind: event.Throttled})
	require.Equal(t, 4, lines())
	for _, user := range []string{"ana", "ben", "ana", "ben"} { // two alternating accounts do not get a line each time
		log.Observe(t.Context(), event.Event{At: start.Add(time.Second), Tenant: "acme", User: user, Kind: event.Throttled})
	}
	require.Equal(t, 1, lines(), "ben's clock was put back as well")

	// A guess, which is counted and limited elsewhere, has a line of its own, and so has
	// every change.
	for i := range uint64(10) {
		log.Observe(t.Context(), event.Event{Number: 2*i + 1, At: at, User: "ana", Kind: event.CodeRejected})
		log.Observe(t.Context(), event.Event{Number: 2*i + 2, At: at, User: "ana", Kind: event.Reset})
	}
	require.Equal(t, 20, lines())

	// The memory is bounded, whatever the number of accounts is.
	for i := range 30_000 {
		log.Observe(t.Context(), event.Event{At: at, User: fmt.Sprint(i), Kind: event.SignInRefused})
	}
	require.Equal(t, 30_000, lines())

	// No count is lost when other accounts take the place of one.
	log = event.Slog(slog.New(slog.NewTextHandler(&out, nil)))
	for range 500 {
		log.Observe(t.Context(), event.Event{At: at, User: "ana", Kind: event.Throttled})
	}
	for i := range 10_000 {
		log.Observe(t.Context(), event.Event{At: at, User: fmt.Sprint(i), Kind: event.SignInRefused})
	}
	require.Contains(t, out.String(), "held_back_elsewhere=499")

	// And none is counted twice: an account that returns to its place reports its own
	// count.
	out.Reset()
	for range 500 {
		log.Observe(t.Context(), event.Event{At: at.Add(time.Hour), User: "0", Kind: event.SignInRefused})
	}
	for i := range 9_998 { // the last of them evicts nobody
		log.Observe(t.Context(), event.Event{At: at.Add(time.Hour), User: fmt.Sprint("more", i), Kind: event.SignInRefused})
	}
	out.Reset()
	log.Observe(t.Context(), event.Event{At: at.Add(2 * time.Hour), User: "0", Kind: event.SignInRefused})
	require.Contains(t, out.String(), "held_back=499")
	require.NotContains(t, out.String(), "held_back_elsewhere")
}

// A refusal without a number was not written, so nothing limits it: none of them can fill
// the disk. What lets a person in is never held back.
func TestUncountedRefusalsAreHeldBack(t *testing.T) {
	for _, kind := range event.Kinds() {
		var out bytes.Buffer
		log := event.Slog(slog.New(slog.NewTextHandler(&out, nil)))
		for i := range 10 {
			log.Observe(t.Context(), event.Event{At: start.Add(time.Duration(i) * time.Second), User: "ana", Kind: kind, Method: "confirmation"})
		}
		want := 10
		if kind.Refusal() || kind == event.RecordLost {
			want = 1
		}
		require.Equal(t, want, strings.Count(out.String(), "\n"), kind)
	}
}
