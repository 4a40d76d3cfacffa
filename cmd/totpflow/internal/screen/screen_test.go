package screen_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
)

func TestAsk(t *testing.T) {
	for answer, yes := range map[string]bool{
		"y\n": true, "Y\n": true, "yes\n": true, " YES \r\n": true, "y": true,
		"": false, "\n": false, "n\n": false, "no\n": false, "yess\n": false, "\ny\n": false,
	} {
		var out bytes.Buffer
		s := screen.Streams{In: strings.NewReader(answer), Err: &out, InTerminal: true, ErrTerminal: true}
		got, asked := s.Ask(t.Context(), "Reset ana?")
		require.True(t, asked)
		require.Equal(t, yes, got, "%q", answer)
		require.Contains(t, out.String(), "Reset ana? [y/N]")
	}
	for _, s := range []screen.Streams{{InTerminal: true}, {ErrTerminal: true}, {}} {
		var out bytes.Buffer
		s.In, s.Err = strings.NewReader("y\n"), &out
		yes, asked := s.Ask(t.Context(), "Reset ana?")
		require.False(t, yes, "a pipe says nothing of what somebody wants")
		require.False(t, asked)
		require.Empty(t, out.String())
	}
}

func TestTableIsClean(t *testing.T) {
	var out bytes.Buffer
	table := screen.NewTable(&out, "USER", "NAME")
	table.Row("ana", "\x1b[2Jphone\nroot \u202eenohp\t!")
	table.Row("benedict", "Pixel 9 (blå)")
	require.NoError(t, table.End())
	require.Equal(t, "USER      NAME\nana       \ufffd[2Jphone\ufffdroot \ufffdenohp\ufffd!\nbenedict  Pixel 9 (blå)\n", out.String())
}

func TestWords(t *testing.T) {
	require.Equal(t, "-", screen.Time(time.Time{}))
	require.Equal(t, "2026-01-02 02:04:05Z", screen.Time(time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))))
	require.Equal(t, "1 record", screen.Plural(1, "record"))
	require.Equal(t, "0 records", screen.Plural(0, "record"))
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, screen.Streams{Out: &out}.JSON(map[string]string{"name": "a&b"}))
	require.Equal(t, "{\n  \"name\": \"a&b\"\n}\n", out.String())
}

func TestLog(t *testing.T) {
	for terminal, want := range map[bool]string{false: "line\n", true: "\r\x1b[Kline\n"} {
		var out bytes.Buffer
		n, err := screen.Streams{Err: &out, ErrTerminal: terminal}.Log().Write([]byte("line\n"))
		require.NoError(t, err)
		require.Equal(t, 5, n)
		require.Equal(t, want, out.String())
	}
}

// A log gets a line now and then; a terminal gets a bar that is gone at the end.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := screen.Streams{Err: &out}.NewProgress("resealing", 0, 25_000)
	for n := 0; n <= 25_000; n += 100 {
		p.At(n)
	}
	p.End()
	require.Equal(t, "resealing: 10000 of 25000 records\nresealing: 20000 of 25000 records\n", out.String())

	for _, total := range []int{0, 1, 500} {
		out.Reset()
		p = screen.Streams{Err: &out, ErrTerminal: true}.NewProgress("resealing", min(100, total), total)
		p.At(300)
		p.At(501)
		p.End()
		require.False(t, strings.HasSuffix(strings.TrimRight(out.String(), " "), "%"), "%q", out.String())
	}
}
