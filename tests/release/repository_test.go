package release_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A repository is a copy of this one, as its files are now, in one commit without tags.
type repository struct{ dir string }

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{filepath.Join(t.TempDir(), "repository")}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := filepath.Join(r.dir, path[len("../.."):]); {
		case err != nil:
			return err
		case d.Name() == ".git":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(name, 0o700)
		case !d.Type().IsRegular():
			return nil
		default:
			info, err := d.Info()
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(name, text, info.Mode())
		}
	}))
	r.git(t, "init", "--quiet", "--initial-branch", "main")
	r.git(t, "config", "user.name", "Test")
	r.git(t, "config", "user.email", "test@example.com")
	r.commit(t, "Begin")
	return r
}

func (r repository) git(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, command(r.dir, "git", args...))
}

func (r repository) commit(t *testing.T, subject string) {
	t.Helper()
	r.git(t, "add", "--all")
	r.git(t, "commit", "--quiet", "--message", subject)
}

func (r repository) path(name string) string { return filepath.Join(r.dir, name) }

func (r repository) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(r.path(name))
	require.NoError(t, err)
	return string(text)
}

func (r repository) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(r.path(name), []byte(text), 0o600))
}

// replace changes a file, and fails if there is nothing to change.
func (r repository) replace(t *testing.T, name, old, new string) {
	t.Helper()
	text := r.read(t, name)
	require.Contains(t, text, old, name)
	r.write(t, name, strings.Replace(text, old, new, 1))
}

// release runs the script and returns its output.
func (r repository) release(version string) (string, error) {
	out, err := command(r.dir, r.path("scripts/release"), version).CombinedOutput()
	return string(out), err
}

// A module is one of go.work.
type module struct {
	path   string
	folder string // "." for the root
	oldest string // the Go that its go.mod promises, such as "1.25.0"
}

func (r repository) modules(t *testing.T) []module {
	t.Helper()
	var all []module
	for line := range strings.Lines(run(t, command(r.dir, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}} {{.GoVersion}}"))) {
		f := strings.Fields(line)
		folder, err := filepath.Rel(r.dir, f[1])
		require.NoError(t, err)
		all = append(all, module{f[0], filepath.ToSlash(folder), f[2]})
	}
	return all
}

// published returns the modules that a release tags: all except those that nobody
// imports.
func (r repository) published(t *testing.T) []module {
	t.Helper()
	var those []module
	for _, m := range r.modules(t) {
		switch m.folder {
		case "tests", "examples", "benchmarks":
		default:
			those = append(those, m)
		}
	}
	return those
}

func (m module) tag(version string) string {
	if m.folder == "." {
		return version
	}
	return m.folder + "/" + version
}

// command runs in a folder with this machine's settings, except those by which the
// workspace around this test, or the settings of the person who runs it, would affect the
// outcome.
func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir, "GOWORK=", "GOFLAGS=", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	return cmd
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	require.NoError(t, err, "%v\n%s%s", cmd.Args, out, log.String())
	return string(out)
}
