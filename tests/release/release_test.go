package release_test

import (
	"os"
	"regexp"
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
