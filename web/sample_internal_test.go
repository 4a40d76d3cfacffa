package web

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

var update = flag.Bool("update", false, "write the golden files again")

// noHost is enough if the host is not asked.
type noHost struct{ Host }

func newWeb(t testing.TB) *Web {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	service, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys})
	require.NoError(t, err)
	h, err := New(Config{Service: service, Host: noHost{}, Product: "Acme Backup"})
	require.NoError(t, err)
	return h
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test -update where the change is meant")
}

// Every page with each of its samples. A product that replaced a template sees here what
// has changed in the module's template.
func TestPages(t *testing.T) {
	h := newWeb(t)
	l := h.languages.byTag("en")
	count := map[string]int{}
	for _, s := range h.samples() {
		count[s.Page]++
		name := fmt.Sprintf("%s-%d.html", s.Page, count[s.Page])
		content, err := h.content(l, s.Page, s.Data)
		require.NoError(t, err)
		golden(t, filepath.Join("pages", name), string(content))
	}
	for page := range h.pages[l] {
		require.True(t, page == "layout" || count[page] > 0, "%s has no sample", page)
	}
}

// The module's own templates have their forms, in every language.
func TestOwnTemplates(t *testing.T) { require.NoError(t, newWeb(t).tryPages()) }

// Pages are small: under 10 kB, in every language, with the plain layout.
func TestPagesAreSmall(t *testing.T) {
	h := newWeb(t)
	for _, l := range h.languages.all {
		for _, s := range h.samples() {
			content, err := h.content(l, s.Page, s.Data)
			require.NoError(t, err)
			whole, err := h.content(l, "layout", Page{Product: h.Product, Title: "Title", Language: l.Tag(), Head: h.head(""), Content: content, Back: "/2fa/security"})
			require.NoError(t, err)
			require.Less(t, len(whole), 10_000, "%s in %s", s.Page, l.Tag())
		}
	}
}

// A word of more than 17 letters in the heading, or of more than 18 in a smaller one or in a
// button, is wider than the narrowest screens. The catalogues have soft hyphens in such words:
// otherwise a browser without a dictionary of the language cuts them anywhere, or lets the
// button leave its card.
func TestLongWordsHaveHyphens(t *testing.T) {
	longest := map[string]int{"h1": 17, "h2": 18, "button": 18} // letters
	h := newWeb(t)
	for _, l := range h.languages.all {
		for _, s := range h.samples() {
			content, err := h.content(l, s.Page, s.Data)
			require.NoError(t, err)
			root, err := html.Parse(strings.NewReader(string(content)))
			require.NoError(t, err)
			for n := range root.Descendants() {
				if n.Type != html.TextNode || longest[n.Parent.Data] == 0 {
					continue
				}
				for _, word := range strings.FieldsFunc(n.Data, func(r rune) bool { return r == '-' || r == '\u00ad' || unicode.IsSpace(r) }) {
					require.LessOrEqual(t, utf8.RuneCountInString(word), longest[n.Parent.Data], "%q in %s, %s", word, s.Page, l.Tag())
				}
			}
		}
		for _, id := range []string{"sheet.title", "sheet.titleKey", "action.new-recovery-codes"} { // not in the samples
			require.Contains(t, l.Say(id), map[string]string{"de": "\u00ad"}[l.Tag()], id)
		}
	}
}

// The data of a template is an interface: renaming a field breaks the templates of
// products.
func TestPageStructs(t *testing.T) {
	var b strings.Builder
	seen := map[reflect.Type]bool{}
	h := newWeb(t)
	types := []reflect.Type{reflect.TypeFor[Page](), reflect.TypeFor[Common](), reflect.TypeFor[SecondStep](), reflect.TypeFor[Field]()}
	for _, s := range h.samples() {
		types = append(types, reflect.TypeOf(s.Data).Elem())
	}
	for _, x := range types {
		if seen[x] {
			continue
		}
		seen[x] = true
		for i := range x.NumField() {
			if f := x.Field(i); f.IsExported() {
				fmt.Fprintf(&b, "%s.%s %s\n", x.Name(), f.Name, f.Type)
			}
		}
	}
	golden(t, "structs.txt", b.String())
}
