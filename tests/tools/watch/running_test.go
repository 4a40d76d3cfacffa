package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Which test is late after this many seconds, if each may take ten. The lines are those
// of package testing with the mark that "go test -json" asks for, each in the second in
// which it comes.
func TestLate(t *testing.T) {
	type at struct {
		second int
		line   string
	}
	const outside = "TestMain, or what is outside of every test,"
	for name, c := range map[string]struct {
		lines []at
		now   int
		late  string // empty: none
	}{
		"nothing has begun":                {nil, 10, ""},
		"nothing begins":                   {nil, 11, outside},
		"in time":                          {[]at{{1, "=== RUN   TestA"}}, 11, ""},
		"late":                             {[]at{{1, "=== RUN   TestA"}}, 12, "TestA"},
		"has passed":                       {[]at{{1, "=== RUN   TestA"}, {9, "--- PASS: TestA (8.00s)"}}, 19, ""},
		"has passed, and the binary hangs": {[]at{{1, "=== RUN   TestA"}, {9, "--- PASS: TestA (8.00s)"}}, 20, outside},
		"the second one": {[]at{
			{1, "=== RUN   TestA"}, {9, "--- FAIL: TestA (8.00s)"}, {9, "=== RUN   TestB"}}, 20, "TestB"},
		"a parent with many subtests, each in time": {[]at{
			{0, "=== RUN   TestA"}, {0, "=== RUN   TestA/1"}, {9, "    --- PASS: TestA/1 (9.00s)"},
			{9, "=== RUN   TestA/2"}, {18, "    --- SKIP: TestA/2 (9.00s)"}}, 28, ""},
		"a parent after its subtests": {[]at{
			{0, "=== RUN   TestA"}, {0, "=== RUN   TestA/1"}, {9, "    --- PASS: TestA/1 (9.00s)"}}, 20, "TestA"},
		"a subtest": {[]at{{0, "=== RUN   TestA"}, {9, "=== RUN   TestA/1"}}, 20, "TestA/1"},
		"a subtest with a slash in its name": {[]at{
			{0, "=== RUN   TestA"}, {1, "=== RUN   TestA/of/1"}, {9, "    --- PASS: TestA/of/1 (8.00s)"}}, 19, ""},
		"waits for its turn": {[]at{
			{0, "=== RUN   TestA"}, {0, "=== PAUSE TestA"}, {9, "=== RUN   TestB"}}, 19, ""},
		"waits for its turn, and runs": {[]at{
			{0, "=== RUN   TestA"}, {0, "=== PAUSE TestA"}, {50, "=== CONT  TestA"}}, 60, ""},
		"runs late": {[]at{
			{0, "=== RUN   TestA"}, {0, "=== PAUSE TestA"}, {50, "=== CONT  TestA"}}, 61, "TestA"},
		"the later of two": {[]at{{0, "=== RUN   TestA"}, {0, "=== PAUSE TestA"},
			{1, "=== RUN   TestB"}, {1, "=== PAUSE TestB"}, {2, "=== CONT  TestB"}, {3, "=== CONT  TestA"}}, 20, "TestB"},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Unix(0, 0)
			r := newRunning(begin)
			for _, l := range c.lines {
				r.note(l.line, begin.Add(time.Duration(l.second)*time.Second))
			}
			got, late := r.late(begin.Add(time.Duration(c.now)*time.Second), 10*time.Second)
			require.Equal(t, c.late, got)
			require.Equal(t, c.late != "", late)
		})
	}
}

// The marks are found wherever they are and however the output is cut; a line that looks
// like one without the mark is a test's own output.
func TestReader(t *testing.T) {
	text := "=== RUN   TestNot\n\x16=== RUN   TestA\nno line end\x16=== RUN   TestA/1\n--- PASS: TestA (0.00s)\n\x16    --- PASS: TestA/1 (0.00s)\n"
	for size := 1; size < len(text); size++ {
		r := newRunning(time.Now())
		var passed strings.Builder
		out := &reader{to: &passed, running: r}
		in := strings.NewReader(text)
		for in.Len() > 0 {
			_, err := io.CopyN(out, in, int64(min(size, in.Len())))
			require.NoError(t, err)
		}
		require.Equal(t, text, passed.String())
		require.Len(t, r.tests, 1)
		require.Zero(t, r.tests["TestA"].subtests)
	}
}
