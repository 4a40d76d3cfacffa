package adminweb

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

var update = flag.Bool("update", false, "write the golden files again")

func newPages(t *testing.T) *Pages {
	t.Helper()
	p, err := newWith(t, nil)
	require.NoError(t, err)
	return p
}

// newWith makes pages with templates of the host's.
func newWith(t *testing.T, templates fs.FS) (*Pages, error) {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys})
	require.NoError(t, err)
	w, err := web.New(web.Config{Service: s, Host: memhost.New(), Product: "Acme Backup", Templates: templates})
	require.NoError(t, err)
	return New(Config{Web: w, Admin: admin.New(s, nil), Directory: &Memory{}, Roles: []Role{{"admin", "Administrator"}}})
}

// Every page renders in every language, is under 10 kB without the host's layout, has one
// heading of the first rank, and names every field, table and region for screen readers. The
// English ones are in testdata.
func TestPages(t *testing.T) {
	p := newPages(t)
	for _, l := range p.section.Languages() {
		for i, x := range p.samples(l) {
			content, err := p.section.Content(l, x.Page, x.Data)
			require.NoError(t, err, "%s: %s", l.Tag(), x.Page)
			require.Less(t, len(content), 10_000, "%s: %s %d", l.Tag(), x.Page, i)
			requireNames(t, string(content), l.Tag()+": "+x.Page)
			if l.Tag() == "en" {
				golden(t, fmt.Sprintf("%02d-%s.html", i, x.Page), string(content))
			}
		}
	}
}

// New refuses a template of the host's that lacks a form, or the first field of one.
func TestReplacedTemplateIsTried(t *testing.T) {
	p := newPages(t)
	tried := 0
	for _, x := range p.samples(p.section.Languages()[0]) {
		raw, err := fs.ReadFile(Templates(), x.Page+".html")
		require.NoError(t, err)
		for _, form := range x.Forms {
			for _, field := range slices.Concat(form.Fields[:min(1, len(form.Fields))], []string{""}) {
				lacks := strings.ReplaceAll(string(raw), `name="`+field+`"`, `name="other"`)
				says := "there is no field " + field
				if field == "" {
					lacks, says = strings.ReplaceAll(string(raw), `method="post"`, `method="get"`), "there is no form"
				}
				if lacks == string(raw) { // in a part, or written by a range
					continue
				}
				tried++
				_, err := newWith(t, fstest.MapFS{x.Page + ".html": {Data: []byte(lacks)}})
				require.ErrorIs(t, err, web.ErrConfig, "%s: %s %s", x.Page, form.To, field)
				require.ErrorContains(t, err, says)
			}
		}
	}
	require.Greater(t, tried, 20)
	_, err := newWith(t, Templates())
	require.NoError(t, err, "copies")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "pages", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test -update where the change is meant")
}

// requireNames requires that a page can be used with a screen reader.
func requireNames(t *testing.T, page, what string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	ids, labels, headings := map[string]int{}, map[string]bool{}, 0
	attr := func(n *html.Node, name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	for n := range root.Descendants() {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
		labels[attr(n, "for")] = true
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "h1":
			headings++
		case "nav":
			require.NotEmpty(t, attr(n, "aria-label"), "%s: a nav", what)
		case "section":
			if by := attr(n, "aria-labelledby"); by != "" {
				require.Equal(t, 1, ids[by], "%s: %s", what, by)
			}
		case "table":
			require.Equal(t, "caption", n.FirstChild.Data, what)
			require.Equal(t, "table", attr(n, "role"), what)
		case "thead", "tbody":
			require.Equal(t, "rowgroup", attr(n, "role"), what)
		case "tr": // which a narrow page shows as a grid: a browser may then forget what it is
			require.Equal(t, "row", attr(n, "role"), what)
		case "td":
			require.Equal(t, "cell", attr(n, "role"), what)
		case "th":
			require.Regexp(t, "^(column|row)header$", attr(n, "role"), what)
		case "input", "select":
			named := attr(n, "type") == "hidden" || attr(n, "aria-label") != "" || labels[attr(n, "id")] && attr(n, "id") != "" || n.Parent.Data == "label"
			require.True(t, named, "%s: the field %s has no name", what, attr(n, "name"))
		case "script", "style":
			t.Errorf("%s: %s", what, n.Data)
		}
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style", "%s: %s", what, a.Key)
		}
	}
	require.Equal(t, 1, headings, what)
	for id, n := range ids {
		require.Equal(t, 1, n, "%s: the id %s", what, id)
	}
}

// words reads the texts of a language by id and plural form.
func words(t *testing.T, tag string) map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(Catalogues(), tag+".json")
	require.NoError(t, err)
	var groups map[string]map[string]any
	require.NoError(t, json.NewDecoder(bytes.NewReader(raw)).Decode(&groups))
	texts := map[string]string{}
	for group, entries := range groups {
		for name, entry := range entries {
			if text, ok := entry.(string); ok {
				texts[group+"."+name] = text
				continue
			}
			for form, text := range entry.(map[string]any) {
				texts[group+"."+name+" "+form] = text.(string)
			}
		}
	}
	return texts
}

var (
	argument = regexp.MustCompile(`{{[^}]*}}`)
	markup   = regexp.MustCompile(`</?[a-z][^>]*>`)
)

// Every text exists in every language, with the same arguments and markup, and with the
// language's own quotation marks.
func TestWords(t *testing.T) {
	english := words(t, "en")
	for tag, wrong := range map[string]string{
		"en": `[„«»]|\.\.\.|--`,
		"de": `[”«»]|\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b|\.\.\.|--|2FA\b`,
		"es": `[„“”]|\b(tú|tu|tus|te|contigo)\b|\.\.\.|--`,
	} {
		texts := words(t, tag)
		require.ElementsMatch(t, slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(texts)), tag)
		for id, text := range texts {
			sorted := func(what *regexp.Regexp, s string) []string {
				return slices.Compact(slices.Sorted(slices.Values(what.FindAllString(s, -1))))
			}
			require.Equal(t, sorted(argument, english[id]), sorted(argument, text), "%s: %s", tag, id)
			require.Equal(t, sorted(markup, english[id]), sorted(markup, text), "%s: %s", tag, id)
			plain := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(text, "")
			require.NotRegexp(t, wrong, plain, "%s: %s", tag, id)
			require.NotContains(t, plain, `"`, "%s: %s", tag, id)
			require.NotContains(t, plain, "'", "%s: %s", tag, id)
		}
	}
}

// Every error that a page explains has its text.
func TestEveryErrorHasAText(t *testing.T) {
	p := newPages(t)
	for _, l := range p.section.Languages() {
		for _, known := range errorTexts {
			_, err := l.Find("refused." + known.text)
			require.NoError(t, err)
		}
	}
	for _, c := range []Config{{}, {Web: p.Web}, {Web: p.Web, Directory: &Memory{}, Prefix: "office"}, {Web: p.Web, Directory: &Memory{}, Prefix: "/a{b}"}} {
		_, err := New(c)
		require.ErrorIs(t, err, web.ErrConfig)
	}
}
