// Package upgrade runs releases of the module that read and write different formats. Each
// of them reads what the others store and hand out.
package upgrade

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root         = "../../.."
	formatFile   = "internal/wire/format.go"
	releasedFile = "internal/wire/wiretest/released.go"
	coderFile    = "internal/wire/coder.go"
	accountFile  = "internal/account/account.go"
	codecFile    = "internal/account/codec.go"
)

// During a rolling upgrade, processes of two releases write the same records, and a
// browser brings one release the tokens of the other. A release that reads a new format
// comes before the one that writes it, so that each of two neighbours reads everything
// that the other writes. A release further back refuses: with its next write it would drop
// the parts that it does not know, and with them what they protect.
//
// The list begins with the last release, whose formats are in released.go. This release
// would not be its neighbour if it wrote a format as soon as it reads it.
func TestReleasesReadEachOther(t *testing.T) {
	newest, written := number(t, formatFile, "Newest"), number(t, formatFile, "Written")
	before := release{name: "the last one", reads: max(number(t, releasedFile, "ReleasedNewest"), 1), writes: max(number(t, releasedFile, "ReleasedWritten"), 1)}
	next := newest + 1
	releases := []*release{{name: "this", reads: newest, writes: written}}
	if before.reads != newest || before.writes != written {
		releases = append([]*release{&before}, releases...)
	}
	if newest > written {
		releases = append(releases, &release{name: "the one after this", reads: newest, writes: newest})
	}
	releases = append(releases,
		&release{name: "one that reads a new format", reads: next, writes: newest, more: next},
		&release{name: "one that writes it", reads: next, writes: next, more: next},
	)
	var bundles []string
	for i, r := range releases {
		r.build(t)
		bundles = append(bundles, filepath.Join(t.TempDir(), strconv.Itoa(i)))
		r.run(t, bundles[i])
	}
	for i, r := range releases {
		answers := r.run(t, filepath.Join(t.TempDir(), "again"), bundles...)
		for j, writer := range releases {
			want := "read"
			if writer.writes > r.reads {
				want = "refused"
			}
			require.Greater(t, len(answers[j]), 20, "%v", answers)
			for what, answer := range answers[j] {
				require.Equal(t, want, answer, "%s, of what %s has made: %s", r.name, writer.name, what)
				if i-j == 1 || j-i == 1 {
					require.Equal(t, "read", answer, "%s and %s are neighbours: %s", r.name, writer.name, what)
				}
			}
		}
	}
}

// A release is a build of the module that reads formats up to one number and writes one.
// From the format more on, unless it is 0, everything that is encoded has one more field,
// as an author of the next release would add it, and an account has another one,
// Account.More. A release that writes the format sets both.
type release struct {
	name                string
	reads, writes, more int
	binary              string
}

// build builds the test TestRelease, which is one process of a release.
func (r *release) build(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	replace := func(file string, edit func(string) string) {
		changed := filepath.Join(dir, filepath.Base(file))
		require.NoError(t, os.WriteFile(changed, []byte(edit(read(t, file))), 0o600))
		original, err := filepath.Abs(filepath.Join(root, file))
		require.NoError(t, err)
		overlay.Replace[original] = changed
	}
	replace(formatFile, func(s string) string {
		return set(t, set(t, s, "Newest", r.reads), "Written", r.writes)
	})
	if r.more > 0 {
		replace(coderFile, func(s string) string {
			const fields = "\tv.Fields(&c)\n"
			const more = "\tif c.Since(%d) {\n\t\tmore := true\n\t\tif c.Bool(\"more\", &more); !more {\n\t\t\tc.fail(\"more\", \"is lost\")\n\t\t}\n\t}\n"
			require.Equal(t, 2, strings.Count(s, fields), "one for writing, one for reading")
			return strings.ReplaceAll(s, fields, fields+fmt.Sprintf(more, r.more))
		})
		replace(accountFile, func(s string) string {
			return behind(t, s, "type Account struct {\n", "\tMore bool\n")
		})
		replace(codecFile, func(s string) string {
			s = behind(t, s, "\tc.Optional(\"activity\", &a.Activity)\n", fmt.Sprintf("\tif c.Since(%d) {\n\t\tc.Bool(\"more_of_account\", &a.More)\n\t}\n", r.more))
			if r.writes >= r.more {
				s = behind(t, s, "at, due time.Time) (*store.Record, error) {\n", "\ta.More = true\n")
			}
			return s
		})
	}
	list, err := json.Marshal(overlay)
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o600))
	r.binary = filepath.Join(dir, "release")
	c := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", file, "-o", r.binary, "./internal/servicetest")
	c.Dir = root
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// run has the release write a bundle, and returns what it can read of the others.
func (r *release) run(t *testing.T, bundle string, bundles ...string) []map[string]string {
	t.Helper()
	c := exec.CommandContext(t.Context(), r.binary, "-test.run", "^TestRelease$")
	c.Env = append(os.Environ(), "TOTPFLOW_WRITES="+bundle, "TOTPFLOW_READS="+strings.Join(bundles, string(filepath.ListSeparator)))
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s: %s", r.name, out)
	answers := make([]map[string]string, len(bundles))
	for i := range answers {
		answers[i] = map[string]string{}
	}
	for _, line := range regexp.MustCompile(`(?m)^(read|refused): (\d+): (.+)$`).FindAllStringSubmatch(string(out), -1) {
		i, err := strconv.Atoi(line[2])
		require.NoError(t, err)
		answers[i][line[3]] = line[1]
	}
	return answers
}

func read(t *testing.T, file string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(t, err)
	return string(source)
}

// behind inserts a text into a source, behind another that it has once.
func behind(t *testing.T, source, what, text string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(source, what), what)
	return strings.Replace(source, what, what+text, 1)
}

func constant(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(\t` + name + `\s*= )(\d+)`)
}

// number returns a constant of the formats, as the source has it.
func number(t *testing.T, file, name string) int {
	t.Helper()
	found := constant(name).FindStringSubmatch(read(t, file))
	require.Len(t, found, 3, name)
	n, err := strconv.Atoi(found[2])
	require.NoError(t, err)
	return n
}

// set gives a constant of the formats another value.
func set(t *testing.T, source, name string, n int) string {
	t.Helper()
	re := constant(name)
	require.Len(t, re.FindAllString(source, -1), 1, name)
	return re.ReplaceAllString(source, "${1}"+strconv.Itoa(n))
}
