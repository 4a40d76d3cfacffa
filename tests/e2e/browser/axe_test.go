package browser_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// axe-core, which knows the rules of WCAG. npm fetches it once, and the hash is that of
// the package's file: whatever the registry or the cache contains, no other code runs.
const (
	axeVersion = "4.14.1"
	axeHash    = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
)

var axeSource struct {
	sync.Mutex
	script string
}

// axeCore returns the script.
func axeCore(t *testing.T) string {
	t.Helper()
	axeSource.Lock()
	defer axeSource.Unlock()
	if axeSource.script == "" {
		pack := axePackage(t)
		require.Equal(t, axeHash, sha(pack), "axe-core is not the one that was expected")
		axeSource.script = packed(t, pack, "package/axe.min.js")
	}
	return axeSource.script
}

// axePackage returns the package's file, from the cache if it is there.
func axePackage(t *testing.T) []byte {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil { // no home directory
		cache = os.TempDir()
	}
	name := "axe-core-" + axeVersion + ".tgz"
	kept := filepath.Join(cache, "totpflow", name)
	if data, err := os.ReadFile(kept); err == nil && sha(data) == axeHash {
		return data
	}
	npm, dir := program(t, "npm", "npm"), t.TempDir()
	out, err := exec.CommandContext(t.Context(), npm, "pack", "axe-core@"+axeVersion, "--ignore-scripts", "--pack-destination", dir).CombinedOutput()
	require.NoErrorf(t, err, "axe-core could not be fetched:\n%s", out)
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err == nil { // without a cache it is fetched again
		_ = os.WriteFile(kept, data, 0o644)
	}
	return data
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// packed returns one file of a package.
func packed(t *testing.T, pack []byte, name string) string {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(pack))
	require.NoError(t, err)
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		require.NoErrorf(t, err, "no %s in the package", name)
		if header.Name == name {
			script, err := io.ReadAll(files)
			require.NoError(t, err)
			return string(script)
		}
	}
}

// looks are the looks of pages that axe-core has checked. Tests come to the same ones
// again and again, and a check takes long.
var looks sync.Map

// look describes a page by its kinds of elements, not by their number or their text. The
// width is not a part of it; TestEveryPage checks all widths.
const look = `[matchMedia("(prefers-color-scheme: dark)").matches, document.title,
	...[...new Set([...document.querySelectorAll("body *")].map(e => [e.parentNode.tagName, e.tagName, e.className, e.type, e.name,
		e.hasAttribute("open"), e.ariaInvalid, e.role, e.disabled].join()))].sort()].join("\n")`

// findings returns the serious or worse violations that axe-core finds on the page. It
// opens folded parts first.
const findings = `(async () => {
	const folded = [...document.querySelectorAll("details:not([open])")];
	folded.forEach(d => d.open = true);
	try {
		const found = await axe.run(document, {resultTypes: ["violations"]});
		return found.violations.filter(v => ["serious", "critical"].includes(v.impact)).flatMap(v =>
			v.nodes.map(n => v.id + ", " + n.html.slice(0, 200) + ": " + n.failureSummary));
	} finally {
		folded.forEach(d => d.open = false);
	}
})()`

// accessible checks that everybody can use the page: axe-core finds no serious violation.
func (p *tab) accessible() {
	p.t.Helper()
	if p.scriptless { // its promises do not return
		return
	}
	seen := sha([]byte(run(p, chromedp.Evaluate[string](look))))
	if _, ok := looks.LoadOrStore(seen, true); ok {
		return
	}
	require.Emptyf(p.t, p.axe(), "%s at %d pixels", p.path(), p.size.width)
}

func (p *tab) axe() []string {
	p.t.Helper()
	return run(p, chromedp.Evaluate[[]string](axeCore(p.t)+";\n"+findings, chromedp.EvalAwaitPromise))
}

// The check finds what it is made for.
func TestAxeFinds(t *testing.T) {
	p := newTab(t, "", desktopSize)
	for fault, page := range map[string]string{
		"color-contrast": `<p style="color: %23aaa; background: white">grey on white</p>`,
		"label":          `<input name="x">`,
		"image-alt":      `<img src="x.png">`,
		"button-name":    `<details><summary>Folded</summary><button></button></details>`,
	} {
		page = `<!doctype html><html lang="en"><title>x</title><main><h1>x</h1>` + page + `</main></html>`
		p.do(chromedp.Navigate("data:text/html," + page))
		require.Contains(t, strings.Join(p.axe(), "\n"), fault, page)
		require.Zero(t, p.count("details[open]"), "what was folded is folded again")
	}
	p.do(chromedp.Navigate(fmt.Sprintf("data:text/html,<!doctype html><html lang='en'><title>x</title><main><h1>%s</h1></main></html>", "x")))
	require.Empty(t, p.axe())
}
