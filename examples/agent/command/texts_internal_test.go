package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/internal/words"
)

// Wrapped text has the same words in the same order, and a line is too long only if it
// cannot be broken.
func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"one two three":            "one two\nthree",
		"one two\nthree four five": "one two\nthree four\nfive",
		"  indented words go on":   "  indented\n  words go\n  on",
		"short":                    "short",
		"a  b":                     "a  b",
		"aaaaaaaaaaaaaaaaaaaa b":   "aaaaaaaaaaaaaaaaaaaa\nb",
		"größe größe\n":            "größe\ngröße\n",
	} {
		require.Equal(t, want, wrap(text, 10), text)
		require.Equal(t, text, wrap(text, 0))
	}
	for _, name := range []string{"en", "de", "es"} {
		raw, err := os.ReadFile("../../internal/words/" + name + ".json")
		require.NoError(t, err)
		var all map[string]map[string]any
		require.NoError(t, json.Unmarshal(raw, &all))
		for id, text := range all["agent"] {
			text, ok := text.(string)
			if !ok || strings.HasPrefix(id, "usage") {
				continue
			}
			wrapped := wrap(text, 80)
			require.Equal(t, strings.Fields(text), strings.Fields(wrapped), id)
			for line := range strings.SplitSeq(wrapped, "\n") {
				require.LessOrEqual(t, utf8.RuneCountInString(line), 80, id)
			}
			if strings.HasPrefix(id, "ask") || strings.HasPrefix(id, "prompt") { // the answer follows on the same line
				require.LessOrEqual(t, utf8.RuneCountInString(text), 64, id)
			}
		}
	}
}

// The values of a status begin in one column, in every language.
func TestStatusIsInColumns(t *testing.T) {
	at, left := time.Date(2026, 3, 2, 9, 45, 0, 0, time.UTC), 9
	s := standing{State: "unlocked", Server: "@", Email: "@", Organisation: "@", LocksAt: &at, Machine: "@", SecondFactor: "@", RecoveryCodesLeft: &left}
	for _, l := range words.All() {
		a := &agent{asker: &asker{System: System{Now: time.Now}, words: l}}
		columns := map[int]bool{}
		for line := range strings.SplitSeq(a.textStatus(s), "\n") {
			name, value, ok := strings.Cut(line, "  ")
			require.True(t, ok, line)
			columns[utf8.RuneCountInString(line)-utf8.RuneCountInString(strings.TrimLeft(value, " "))] = true
			require.NotEmpty(t, name)
		}
		require.Len(t, columns, 1, a.textStatus(s))
	}
}

// Times are in the zone of the machine's clock, whatever the server's is.
func TestTimesAreLocal(t *testing.T) {
	cet := time.FixedZone("CET", 3600)
	a := &agent{asker: &asker{System: System{Now: func() time.Time { return time.Unix(0, 0).In(cet) }}}}
	require.Equal(t, "2026-03-02 10:45 CET", a.textTime(time.Date(2026, 3, 2, 9, 45, 0, 0, time.UTC)))
}

// The sizes in a list are in one column, although the names of zones differ in length.
func TestBackupsAreInColumns(t *testing.T) {
	columns := map[int]bool{}
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("CEST", 7200), time.FixedZone("", 19800)} {
		a := &agent{asker: &asker{System: System{Now: func() time.Time { return time.Unix(0, 0).In(zone) }}}}
		columns[strings.Index(a.backupLine(backup{ID: "a", Machine: "b", Taken: time.Unix(0, 0), Gigabytes: 7}), "7 GB")] = true
	}
	require.Len(t, columns, 1)
	require.NotContains(t, columns, -1)
}
