// Package browser_test uses the web console of the examples as a person does, with a
// headless Chromium: it reads the QR code from the picture of the page, types into the
// forms, and checks what the pages say.
//
// No test waits for real time: the console runs on a clock that moves only when a person
// would wait. Pictures of the pages are written to the folder that the environment
// variable SCREENSHOTS names.
package browser_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
)

// A size of the window that the pages are shown in.
type size struct {
	name          string
	width, height int64
	mobile        bool
}

var (
	phoneSize   = size{"phone", 390, 844, true}
	desktopSize = size{"desktop", 1280, 900, false}
)

// patience is how long the browser may take to start, and a test with its tab, on a
// machine that is busy with other tests.
const patience = 8 * time.Minute

// program returns the path of a program, or fails naming the Debian package
// that has it.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", name, debian)
	}
	return path
}

// chromium is one browser for all tests: a tab has a profile of its own, and starting the
// browser takes longer than most tests.
var chromium struct {
	sync.Once
	tab context.Context // the first one
	end func()
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.end != nil {
		chromium.end()
	}
	os.Exit(code)
}

// theChromium returns the context of the browser's first tab.
func theChromium(t *testing.T) context.Context {
	t.Helper()
	// Without the window around the page it is the same browser and takes half the time.
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		path = program(t, "chromium", "chromium")
	}
	chromium.Do(func() { startChromium(path) })
	require.NoError(t, chromium.err, "chromium does not start")
	return chromium.tab
}

func startChromium(path string) {
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		chromium.err = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.NoSandbox, // tests may run as root, and show only our own pages
		chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	ctx, quit := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	chromium.tab, chromium.err = ctx, chromedp.Do(ctx)
	chromium.end = func() {
		closeTab()
		quit()
		_ = os.RemoveAll(profile)
	}
}

// A tab of a browser profile of its own: it shares no cookies with others.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string // of the console's addresses
	size size
	who  app.DemoAccount // who sits in front of it

	scriptless bool // its pages may not run scripts
}

// newTab opens a tab in a fresh profile.
func newTab(t *testing.T, base string, s size) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(theChromium(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	// A deadline on the first context of a tab would close the browser.
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, base: base, size: s, who: ana}
	p.listen()
	_, err := chromedp.Call(p.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Vienna"})
	require.NoError(t, err)
	p.do(chromedp.EmulateViewport(s.width, s.height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile = s.mobile
		touch.Enabled = s.mobile
	}))
	return p
}

// listen fails the test if the page breaks its own rules, such as with a style that the
// Content-Security-Policy forbids. A refused form is not a breach.
func (p *tab) listen() {
	require.NoError(p.t, chromedp.Listen(p.ctx, func(e any) {
		if e, ok := e.(*log.EventEntryAdded); ok && e.Entry.Level == "error" && e.Entry.Source != "network" {
			p.t.Errorf("the browser complains: %s %s: %s", e.Entry.Source, e.Entry.URL, e.Entry.Text)
		}
	}))
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, steps...))
}

func run[T any](p *tab, a chromedp.Action[T]) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, a)
	require.NoError(p.t, err)
	return v
}

// open goes to a path of the console.
func (p *tab) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
	p.sound()
}

// follow performs an action that leads to another page, and waits for that page.
func (p *tab) follow(trigger chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	run(p, chromedp.WaitEvent(page.LoadEventFired, nil, trigger))
	p.sound()
}

// click clicks what the selector finds, and waits for the page that it leads to.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.need(selector)
	p.follow(chromedp.Click(chromedp.CSS(selector)))
}

// fill clears a field and types into it.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.need(selector)
	p.do(chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// set gives a value to a field that is not typed into, such as a list or a date.
func (p *tab) set(selector, value string) {
	p.t.Helper()
	p.need(selector)
	require.Equal(p.t, value, run(p, chromedp.Evaluate[string](
		"(e => (e.value = `"+value+"`, e.value))(document.querySelector(`"+selector+"`))")))
}

// tick clicks a checkbox, or opens a summary.
func (p *tab) tick(selector string) {
	p.t.Helper()
	p.need(selector)
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// need fails at once, with the text of the page, if the selector finds nothing.
func (p *tab) need(selector string) {
	p.t.Helper()
	require.NotZerof(p.t, p.count(selector), "%s has no %s:\n%s", p.path(), selector, p.text("body"))
}

// texts returns the texts of the elements.
func (p *tab) texts(selector string) []string {
	p.t.Helper()
	return run(p, chromedp.Evaluate[[]string](
		"[...document.querySelectorAll(`"+selector+"`)].map(e => e.innerText.trim())"))
}

// text returns the text of one element, empty if it is not there.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return strings.Join(p.texts(selector), "\n")
}

func (p *tab) count(selector string) int {
	p.t.Helper()
	return len(p.texts(selector))
}

// path returns the path that the tab is at.
func (p *tab) path() string {
	p.t.Helper()
	return strings.TrimPrefix(run(p, chromedp.Location()), p.base)
}

// at asserts which path the tab is at.
func (p *tab) at(path string) {
	p.t.Helper()
	require.Equalf(p.t, path, p.path(), "the page says:\n%s", p.text("main"))
}

// says asserts that the page contains a text.
func (p *tab) says(text string) {
	p.t.Helper()
	require.Contains(p.t, p.text("main"), text)
}

// sound asserts what must be true of every page: one heading, a name for each field,
// nothing that sticks out of the window, times in the zone of the person, and nothing serious
// that axe-core finds.
func (p *tab) sound() {
	p.t.Helper()
	faults := run(p, chromedp.Evaluate[[]string](`(scripts => {
		const faults = [], name = e => e.outerHTML.slice(0, 120), html = document.documentElement;
		if (!html.lang) faults.push("the page does not say its language");
		if (!document.title) faults.push("the page has no title");
		if (document.querySelectorAll("h1").length != 1) faults.push("the page has not one main heading");
		for (const e of document.querySelectorAll("input:not([hidden]):not([type=hidden]), select"))
			if (!e.labels.length && !e.ariaLabel) faults.push("a field has no label: " + name(e));
		for (const e of document.querySelectorAll("button, a[href]"))
			if (!e.textContent.trim() && !e.ariaLabel) faults.push("a button or link has no name: " + name(e));
		for (const e of document.querySelectorAll("[id]"))
			if (document.getElementById(e.id) != e) faults.push("an id is there twice: " + name(e));
		for (const e of document.querySelectorAll("table"))
			if (!e.caption || e.querySelector("th:not([scope]):not([role=columnheader]):not([role=rowheader])")) faults.push("a table has no caption or headings: " + name(e));
		for (const e of document.querySelectorAll("img:not([alt])")) faults.push("a picture has no description: " + name(e));
		const clock = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		while (scripts && clock.nextNode()) // the day that ends a time to set up is in UTC, as administrators choose it; an option cannot contain a time
			if (/ UTC\b/.test(clock.currentNode.data.replaceAll(/23:59( Uhr)? UTC/g, "")) && !clock.currentNode.parentElement.closest(".terms, #stricter, #until-hint, #deadline-hint, option")) faults.push("not in the zone of the person: " + clock.currentNode.data);
		if (html.scrollWidth > html.clientWidth)
			for (const e of document.querySelectorAll("main *"))
				if (e.getBoundingClientRect().right > html.clientWidth + 1) faults.push("sticks out of the window: " + name(e));
		return faults;
	})(`+strconv.FormatBool(!p.scriptless)+`)`))
	require.Emptyf(p.t, faults, "%s at %d pixels", p.path(), p.size.width)
	p.accessible()
}

// picture keeps a screenshot under the name, if somebody wants them.
func (p *tab) picture(name string) {
	p.t.Helper()
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		p.shoot(folder, name)
	}
}

// shoot takes a screenshot of the whole page, and returns its file.
func (p *tab) shoot(folder, name string) string {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(folder, 0o755))
	file := filepath.Join(folder, p.size.name+"-"+name+".png")
	png := run(p, chromedp.FullScreenshot(100))
	require.True(p.t, bytes.HasPrefix(png, []byte("\x89PNG")))
	require.NoError(p.t, os.WriteFile(file, png, 0o644))
	return file
}
