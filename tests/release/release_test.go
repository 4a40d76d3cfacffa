package release_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// version is not in any go.mod of the repository, so each of them has to change.
const version = "v0.987.6"

const unreleased = "## [Unreleased]\n"

func TestRelease(t *testing.T) {
	r := newRepository(t)
	r.replace(t, "CHANGELOG.md", unreleased, unreleased+"\n- A line of the test.\n")
	r.commit(t, "Change something")
	out, err := r.release(version)
	require.NoError(t, err, out)

	t.Run("tags", func(t *testing.T) {
		var want []string
		for _, m := range r.published(t) {
			want = append(want, m.tag(version))
		}
		require.ElementsMatch(t, want, strings.Fields(r.git(t, "tag")))
		require.Regexp(t, `(?m)^git push --atomic origin main( \S+)*$`, out)
		for _, tag := range want {
			require.Contains(t, out, tag)
		}
	})

	t.Run("branch", func(t *testing.T) {
		require.Equal(t, "Release "+version+"\nChange something\nBegin\n", r.git(t, "log", "--format=%s"))
		require.Empty(t, r.git(t, "status", "--porcelain"))
		require.Regexp(t, `(?m)^## \[Unreleased\]\n\n## \[0\.987\.6\] - \d{4}-\d\d-\d\d\n\n- A line of the test\.$`, r.read(t, "CHANGELOG.md"))
		for _, m := range r.modules(t) {
			requiresItsSiblingsAt(t, r, r.read(t, m.folder+"/go.mod"))
		}
		// The next release is compared with the formats of this one.
		for _, name := range []string{"Newest", "Written"} {
			require.Equal(t, r.number(t, formatFile, name), r.number(t, releasedFile, "Released"+name))
		}
	})

	t.Run("tagged", func(t *testing.T) {
		for _, m := range r.published(t) {
			requiresItsSiblingsAt(t, r, r.git(t, "show", m.tag(version)+":"+strings.TrimPrefix(m.folder+"/go.mod", "./")))
			// A release is what was tested, except for the lines that it removes from a
			// go.mod.
			changed := r.git(t, "diff", "--name-only", "main", m.tag(version))
			for name := range strings.Lines(changed) {
				require.Contains(t, []string{m.folder + "/go.mod\n", m.folder + "/go.sum\n"}, name)
			}
		}
	})

	t.Run("again", func(t *testing.T) { refuses(t, r, version, "tags never move") })
	t.Run("older", func(t *testing.T) { refuses(t, r, "v0.99.0", "tags never move") })
	t.Run("nothing new", func(t *testing.T) { refuses(t, r, "v0.988.0", "nothing under [Unreleased]") })

	t.Run("installed", func(t *testing.T) { install(t, r) })
}

// The script refuses to make a release of these, and leaves the repository as it was.
func TestRefusals(t *testing.T) {
	r := newRepository(t)
	r.replace(t, "CHANGELOG.md", unreleased, unreleased+"\n- A line of the test.\n")
	r.commit(t, "Change something")
	for _, wrong := range []string{"", "1.2.3", "v1", "v1.2", "v01.2.3", "v1.2.3.4", "v1.2.3-rc.1", "latest"} {
		refuses(t, r, wrong, "is not a version")
	}
	refuses(t, r, "v2.0.0", "have to end in /v2")
	t.Run("a tag of one module", func(t *testing.T) {
		r.git(t, "tag", "store/redisstore/v1.0.0")
		refuses(t, r, "v1.0.0", "tags never move")
		r.git(t, "tag", "--delete", "store/redisstore/v1.0.0")
	})
	t.Run("a change that is not committed", func(t *testing.T) {
		require.NoError(t, os.WriteFile(r.path("more.go"), []byte("package totpflow\n"), 0o600))
		refuses(t, r, version, "the work tree has changes")
		require.NoError(t, os.Remove(r.path("more.go")))
	})
	t.Run("a format that the last release does not read", func(t *testing.T) {
		next := max(r.number(t, releasedFile, "ReleasedNewest"), 1) + 1
		r.setNumber(t, formatFile, "Newest", next)
		r.setNumber(t, formatFile, "Written", next)
		r.commit(t, "Read and write a format at once")
		refuses(t, r, version, "which the last release does not read")
		r.git(t, "reset", "--quiet", "--hard", "HEAD~1")
	})
	t.Run("no format that the last release writes", func(t *testing.T) {
		r.setNumber(t, formatFile, "Oldest", max(r.number(t, releasedFile, "ReleasedWritten"), 1)+1)
		r.commit(t, "Forget a format")
		refuses(t, r, version, "which the last release writes")
		r.git(t, "reset", "--quiet", "--hard", "HEAD~1")
	})
	t.Run("no branch", func(t *testing.T) {
		r.git(t, "checkout", "--quiet", "--detach")
		refuses(t, r, version, "HEAD is detached")
		r.git(t, "checkout", "--quiet", "main")
	})
	t.Run("a module that cannot be read from outside", func(t *testing.T) {
		r.replace(t, "cmd/totpflow/main.go", "import (", "import (\n\t_ \"github.com/totpflow/totpflow/examples/internal/words\"\n")
		r.commit(t, "Break the command")
		refuses(t, r, version, "examples/internal/words")
	})
}

const (
	formatFile   = "internal/wire/format.go"
	releasedFile = "internal/wire/wiretest/released.go"
)

var constant = regexp.MustCompile(`(?m)^\t(\w+)(\s+= )(\d+)`)

// number returns a constant of a file.
func (r repository) number(t *testing.T, file, name string) int {
	t.Helper()
	for _, found := range constant.FindAllStringSubmatch(r.read(t, file), -1) {
		if found[1] == name {
			n, err := strconv.Atoi(found[3])
			require.NoError(t, err)
			return n
		}
	}
	require.Fail(t, "no constant", "%s in %s", name, file)
	return 0
}

// setNumber gives a constant of a file another value.
func (r repository) setNumber(t *testing.T, file, name string, n int) {
	t.Helper()
	for _, found := range constant.FindAllStringSubmatch(r.read(t, file), -1) {
		if found[1] == name {
			r.replace(t, file, found[0], "\t"+name+found[2]+strconv.Itoa(n))
		}
	}
}

func refuses(t *testing.T, r repository, version, because string) {
	t.Helper()
	state := func() string {
		return r.git(t, "for-each-ref") + r.git(t, "rev-parse", "HEAD") + r.git(t, "status", "--porcelain")
	}
	was := state()
	out, err := r.release(version)
	require.Error(t, err, out)
	require.Contains(t, out, because)
	require.Equal(t, was, state())
}

func requiresItsSiblingsAt(t *testing.T, r repository, gomod string) {
	t.Helper()
	for _, m := range r.modules(t) {
		for _, found := range regexp.MustCompile(`(?m)^(?:require)?\s+`+regexp.QuoteMeta(m.path)+` (v\S+)`).FindAllStringSubmatch(gomod, -1) {
			require.Equal(t, version, found[1], "%s in\n%s", m.path, gomod)
		}
	}
}
