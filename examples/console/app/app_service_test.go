package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/web/adminweb"
)

// Wrong codes on many accounts within a minute are one line in the log. The test is not
// parallel, because all tests share the log.
func TestFleetIsWatched(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)

	var alerts adminweb.Alerts
	watch := observer(event.Slog(slog.New(slog.DiscardHandler)), &alerts)
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	for i := range 60 {
		e := event.Event{Number: uint64(i + 1), At: at.Add(time.Duration(i) * time.Second / 2), User: fmt.Sprint(i % 30), Kind: event.CodeRejected}
		watch.Observe(t.Context(), e)
	}
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("codes are guessed on many accounts after the right password")), log.String())
	seen, err := alerts.Recent(t.Context())
	require.NoError(t, err)
	require.Len(t, seen, 1, "the pages of administrators show it")
}
