package release_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// install gets the release as a product does, each module with the oldest Go that it
// promises, and all of them with the newest Go.
func install(t *testing.T, r repository) {
	work := t.TempDir()
	var (
		proxy    = newProxy(t, r, filepath.Join(work, "proxy"))
		modcache = filepath.Join(work, "modcache")
		root     = r.modules(t)[0].path
		modules  = map[string][]module{}
		newest   = strings.Fields(run(t, command(work, "go", "list", "-m", "go@latest")))[1]
	)
	for _, m := range r.published(t) {
		modules[m.oldest] = append(modules[m.oldest], m)
	}
	modules[newest] = r.published(t)
	for version, modules := range modules {
		t.Run("go"+version, func(t *testing.T) {
			p := product{
				dir: t.TempDir(),
				env: []string{
					"GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOMODCACHE=" + modcache, "GOPROXY=" + proxy, "GONOSUMDB=" + root,
					"GOFLAGS=-mod=mod -modcacherw -trimpath",
				},
				gobin: filepath.Join(goroot(t, version), "bin", "go"),
			}
			p.build(t, modules)
			for _, m := range modules {
				for _, line := range installLines(t, r, m) {
					p.install(t, line)
				}
			}
		})
	}
}

// newProxy returns the URLs of proxies: a folder with the release, as Go itself packs it
// from the repository's tags, and for the modules of others this machine's cache and its
// own proxy.
func newProxy(t *testing.T, r repository, modcache string) string {
	args := []string{"mod", "download"}
	root := r.modules(t)[0].path
	for _, m := range r.published(t) {
		args = append(args, m.path+"@"+version)
	}
	cmd := command(t.TempDir(), "go", args...)
	cmd.Env = append(cmd.Env, "GOMODCACHE="+modcache, "GOFLAGS=-modcacherw", "GONOSUMDB="+root, "GONOPROXY="+root,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+r.dir+".insteadOf", "GIT_CONFIG_VALUE_0=https://"+root)
	run(t, cmd)
	of := run(t, command(r.dir, "go", "env", "GOMODCACHE", "GOPROXY"))
	here, configured, _ := strings.Cut(strings.TrimSpace(of), "\n")
	return fmt.Sprintf("file://%s/cache/download,file://%s/cache/download,%s", modcache, here, configured)
}

// goroot returns the folder of a version of Go, which the go command fetches if it is
// missing.
func goroot(t *testing.T, version string) string {
	cmd := command(t.TempDir(), "go", "env", "GOROOT")
	cmd.Env = append(cmd.Env, "GOTOOLCHAIN=go"+version)
	return strings.TrimSpace(run(t, cmd))
}

// A product is an empty module outside of the repository.
type product struct {
	dir   string
	env   []string
	gobin string
}

func (p product) command(args ...string) *exec.Cmd {
	cmd := command(p.dir, p.gobin, args...)
	cmd.Env = append(cmd.Env, p.env...)
	return cmd
}

// build gets modules and compiles every package in them that a product can import.
func (p product) build(t *testing.T, modules []module) {
	run(t, p.command("mod", "init", "example.com/product"))
	get, list := []string{"get"}, []string{"list", "-f", `{{if ne .Name "main"}}{{.ImportPath}}{{end}}`}
	for _, m := range modules {
		get = append(get, m.path+"@"+version)
		list = append(list, m.path+"/...")
	}
	run(t, p.command(get...))
	source := "package product\n\nimport (\n"
	names := run(t, p.command(list...))
	for _, m := range modules {
		require.Contains(t, names, m.path)
	}
	for name := range strings.FieldsSeq(names) {
		if !strings.Contains(name+"/", "/internal/") {
			source += fmt.Sprintf("\t_ %q\n", name)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "product.go"), []byte(source+")\n"), 0o600))
	run(t, p.command("build", "./..."))
	run(t, p.command("mod", "verify"))
}

// installLines returns the lines of the documentation that install a program of the
// module. A module with a program has one.
func installLines(t *testing.T, r repository, m module) []string {
	programs := run(t, command(r.path(m.folder), "go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./..."))
	var lines []string
	for name := range strings.FieldsSeq(programs) {
		line := regexp.MustCompile(`(?m)^go install ` + regexp.QuoteMeta(name) + `@\S+$`).FindString(r.read(t, "docs/operations.md"))
		require.NotEmpty(t, line, "docs/operations.md does not say how to install %s", name)
		lines = append(lines, line)
	}
	return lines
}

// install runs the line, and the program that it installs.
func (p product) install(t *testing.T, line string) {
	args := strings.Fields(line)
	bin := t.TempDir()
	cmd := p.command(args[1:]...)
	cmd.Env = append(cmd.Env, "GOBIN="+bin)
	run(t, cmd)
	programs, err := filepath.Glob(filepath.Join(bin, "*"))
	require.NoError(t, err)
	require.Len(t, programs, 1)
	require.Contains(t, run(t, command(bin, programs[0], "--version")), version)
}
