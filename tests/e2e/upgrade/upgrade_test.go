// Package upgrade runs releases of the module beside each other, one format of the record
// apart.
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
	formatFile = "internal/wire/format.go"
	codecFile  = "internal/account/codec.go"
)

// During a rolling upgrade, processes of two releases write the same records. A release
// that reads a new format comes before the one that writes it, so that each of two
// neighbours opens what the other seals. A release further back refuses: with its next
// write it would drop the parts that it does not know, and with them what they protect.
func TestReleasesReadEachOther(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	newest, written := number(t, root, "Newest"), number(t, root, "Written")
	next := newest + 1
	releases := []*release{build(t, root, "this", newest, written, 0)}
	if newest > written {
		releases = append(releases, build(t, root, "the one after this", newest, newest, 0))
	}
	releases = append(releases,
		build(t, root, "one that reads a new format", next, newest, next),
		build(t, root, "one that writes it", next, next, next),
	)
	var all []string
	for _, r := range releases {
		_, sealed := r.run(t)
		all = append(all, sealed)
	}
	for i, r := range releases {
		answers, _ := r.run(t, all...)
		for j, writer := range releases {
			want := "opened"
			if writer.writes > r.reads {
				want = "refused"
			}
			require.Equal(t, want, answers[j], "%s, of what %s has sealed", r.name, writer.name)
			if i-j == 1 || j-i == 1 {
				require.Equal(t, "opened", answers[j], "%s and %s are neighbours", r.name, writer.name)
			}
		}
	}
}

// A release is a build of the module that reads formats up to one number and writes one.
type release struct {
	name, binary  string
	reads, writes int
}

// build builds the account's tests as a release would. From the format more on, the
// record has one more field, as an author of the next release would add it.
func build(t *testing.T, root, name string, newest, written, more int) *release {
	t.Helper()
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	replace := func(file string, edit func(string) string) {
		source, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		changed := filepath.Join(dir, filepath.Base(file))
		require.NoError(t, os.WriteFile(changed, []byte(edit(string(source))), 0o600))
		overlay.Replace[filepath.Join(root, file)] = changed
	}
	replace(formatFile, func(s string) string {
		return set(t, set(t, s, "Newest", newest), "Written", written)
	})
	if more > 0 {
		replace(codecFile, func(s string) string {
			const last = "\tc.Optional(\"activity\", &a.Activity)\n"
			require.Equal(t, 1, strings.Count(s, last))
			return strings.Replace(s, last, last+fmt.Sprintf("\tif c.Since(%d) {\n\t\tc.Bool(\"more\", new(bool))\n\t}\n", more), 1)
		})
	}
	list, err := json.Marshal(overlay)
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o600))
	r := &release{name: name, binary: filepath.Join(dir, "release"), reads: newest, writes: written}
	c := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", file, "-o", r.binary, "./internal/account")
	c.Dir = root
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return r
}

// run has the release open records, and returns its answers and a record that it has
// sealed.
func (r *release) run(t *testing.T, records ...string) (answers []string, sealed string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), r.binary, "-test.run", "^TestRelease$")
	c.Env = append(os.Environ(), "TOTPFLOW_RECORDS="+strings.Join(records, " "))
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s: %s", r.name, out)
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if line == "opened" || line == "refused" {
			answers = append(answers, line)
		}
		if record, ok := strings.CutPrefix(line, "sealed "); ok {
			sealed = record
		}
	}
	require.Len(t, answers, len(records), "%s", out)
	require.NotEmpty(t, sealed, "%s", out)
	return answers, sealed
}

func constant(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(\t` + name + `\s*= )(\d+)`)
}

// number returns a constant of the formats, as the source has it.
func number(t *testing.T, root, name string) int {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, formatFile))
	require.NoError(t, err)
	found := constant(name).FindStringSubmatch(string(source))
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
