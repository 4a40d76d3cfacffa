package trust_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/trust"
)

func browsers(n int) []trust.Browser {
	var out []trust.Browser
	for i := range n {
		out = append(out, trust.Browser{ID: fmt.Sprint("id", i), Issued: now.Add(time.Duration(i) * time.Hour)})
	}
	return out
}

func ids(bs []trust.Browser) []string {
	out := []string{}
	for _, b := range bs {
		out = append(out, b.ID)
	}
	return out
}

func TestRememberLimit(t *testing.T) {
	require.Equal(t, 20, trust.MaxBrowsers)
	var known []trust.Browser
	for _, b := range browsers(50) {
		known = trust.Remember(known, b)
		require.Equal(t, b, known[len(known)-1])
		require.LessOrEqual(t, len(known), trust.MaxBrowsers)
	}
	require.Equal(t, ids(browsers(50)[30:]), ids(known))

	t.Run("the oldest goes, wherever it stands", func(t *testing.T) {
		known := browsers(trust.MaxBrowsers)
		known[7].Issued = now.Add(-time.Hour)
		next := trust.Remember(known, trust.Browser{ID: "new", Issued: now.Add(1000 * time.Hour)})
		require.Len(t, next, trust.MaxBrowsers)
		require.NotContains(t, ids(next), "id7")
		require.Contains(t, ids(next), "id0")
	})
	t.Run("never the new one", func(t *testing.T) {
		// The clock was set back: the new browser has the earliest date.
		next := trust.Remember(browsers(trust.MaxBrowsers), trust.Browser{ID: "new", Issued: now.Add(-1000 * time.Hour)})
		require.Len(t, next, trust.MaxBrowsers)
		require.Contains(t, ids(next), "new")
		require.NotContains(t, ids(next), "id0")
	})
	t.Run("a longer list shrinks", func(t *testing.T) {
		next := trust.Remember(browsers(30), trust.Browser{ID: "new", Issued: now})
		require.Len(t, next, trust.MaxBrowsers)
		require.Contains(t, ids(next), "new")
		require.Contains(t, ids(next), "id29")
	})
}

func TestRememberReplaces(t *testing.T) {
	known := browsers(trust.MaxBrowsers)
	b := known[3]
	b.Seen = now
	next := trust.Remember(known, b)
	require.Equal(t, ids(known), ids(next))
	require.Equal(t, now, next[3].Seen)
	require.Zero(t, known[3].Seen)
}

func TestRevoke(t *testing.T) {
	known := browsers(3)
	next, ok := trust.Revoke(known, "id1")
	require.True(t, ok)
	require.Equal(t, []string{"id0", "id2"}, ids(next))
	for _, id := range []string{"", "id9", "ID1", "id"} {
		next, ok := trust.Revoke(known, id)
		require.False(t, ok)
		require.Equal(t, known, next)
	}
	next, ok = trust.Revoke(nil, "id1")
	require.False(t, ok)
	require.Empty(t, next)

	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	next, ok = trust.Revoke(trust.Remember(known, browser), browser.ID)
	require.True(t, ok)
	b, err := trust.Check(r, ann, token, next, now, trust.DefaultAge)
	refused(t, b, err, trust.ErrRevoked)
}

// Values: neither function writes into the caller's slice or into its spare capacity, and
// neither returns the caller's slice.
func TestListsAreCopied(t *testing.T) {
	for _, n := range []int{0, 1, 3, trust.MaxBrowsers, trust.MaxBrowsers + 5} {
		room := append(make([]trust.Browser, 0, n+8), browsers(n)...)
		whole := slices.Clone(room[:cap(room)])
		results := [][]trust.Browser{trust.Remember(room, trust.Browser{ID: "new"})}
		if n > 0 {
			results = append(results, trust.Remember(room, trust.Browser{ID: "id0", Label: "x"}))
		}
		for _, id := range []string{"id0", "none"} {
			next, _ := trust.Revoke(room, id)
			results = append(results, next)
		}
		for _, next := range results {
			for i := range next {
				next[i].Label = "changed"
			}
			_ = append(next, trust.Browser{ID: "behind"})
		}
		require.Equal(t, whole, room[:cap(room)])
	}
}

func TestLabel(t *testing.T) {
	cases := []struct{ in, want string }{
		{"Firefox on Linux", "Firefox on Linux"},
		{"", "Browser"},
		{" \t\r\n ", "Browser"},
		{"\x00\x1b\x7f\u0085", "Browser"},
		{"  Firefox \t on\r\nLinux  ", "Firefox on Linux"},
		{"a\nlevel=INFO msg=forged", "a level=INFO msg=forged"},
		{"\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"a\x00b\x7fc\u009bd", "abcd"},
		{"abc\u202egnp.exe", "abcgnp.exe"},       // right-to-left override
		{"\u2066a\u2069\u200b\u200d\ufeff", "a"}, // isolates, zero width
		{"a\u2028b\u2029c", "a b c"},             // line and paragraph separator
		{"a\u00a0\u3000b", "a b"},                // other spaces
		{"Ünïcödé 浏览器 🦊", "Ünïcödé 浏览器 🦊"},       //
		{"bad\xff\xfeutf", "badutf"},             //
		{"\xed\xa0\x80surrogate", "surrogate"},   //
		{strings.Repeat("a", 81), strings.Repeat("a", 80)},
		{strings.Repeat("a", 80) + " b", strings.Repeat("a", 80)},
		{strings.Repeat("a", 79) + " b", strings.Repeat("a", 79)},
		{strings.Repeat("a", 79) + "é", strings.Repeat("a", 79)},
		{strings.Repeat("界", 100), strings.Repeat("界", 26)},
		{strings.Repeat("x", 10<<20), strings.Repeat("x", 80)},
		{strings.Repeat("\x00", 10<<20) + "x", "Browser"},
	}
	_, r := newRing(t)
	for _, c := range cases {
		_, b := trust.Issue(r, ann, c.in, now)
		require.Equal(t, c.want, b.Label, "%.40q", c.in)
		require.True(t, utf8.ValidString(b.Label))
		require.LessOrEqual(t, len(b.Label), 80)
		_, again := trust.Issue(r, ann, b.Label, now)
		require.Equal(t, b.Label, again.Label, "cleaning twice changes nothing")
	}
}

// Revoking a browser that does not exist changes nothing, and no other call returns a
// list with an error.
func TestRefusalsKeepTheList(t *testing.T) {
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.Equal(t, []string{"Revoke"}, names, "a call that replaces a state is missing here")
	for _, known := range [][]trust.Browser{nil, browsers(1), browsers(20)} {
		next, found := trust.Revoke(known, "no such id")
		require.False(t, found)
		require.Equal(t, ids(known), ids(next))
	}
}
