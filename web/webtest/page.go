package webtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A Page is an answer.
type Page struct {
	Status int
	Path   string // after redirects, with the query
	Header http.Header
	HTML   string

	browser *Browser
	root    *html.Node
}

func newPage(b *Browser, res *http.Response, body string) *Page {
	b.t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	must(b.t, err)
	return &Page{Status: res.StatusCode, Path: res.Request.URL.RequestURI(), Header: res.Header, HTML: body, browser: b, root: root}
}

// Text returns the text of the element with this id, or of the first one of this kind,
// such as "h1", with runs of spaces joined. It is empty if the page has no such element.
func (p *Page) Text(of string) string {
	n := p.find(func(n *html.Node) bool { return attribute(n, "id") == of || n.Data == of })
	if n == nil {
		return ""
	}
	return text(n)
}

// Texts returns the texts of all elements of a class.
func (p *Page) Texts(class string) (all []string) {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && slices.Contains(strings.Fields(attribute(n, "class")), class) {
			all = append(all, text(n))
		}
	}
	return all
}

// Attribute returns an attribute of the element with this id, or of the first one of this
// kind.
func (p *Page) Attribute(of, name string) string {
	n := p.find(func(n *html.Node) bool { return attribute(n, "id") == of || n.Data == of })
	if n == nil {
		return ""
	}
	return attribute(n, name)
}

// Options returns the values of the select with this id.
func (p *Page) Options(id string) (all []string) {
	n := p.find(func(n *html.Node) bool { return attribute(n, "id") == id })
	if n == nil {
		return nil
	}
	for o := range n.Descendants() {
		if o.Type == html.ElementNode && o.Data == "option" {
			all = append(all, value(o))
		}
	}
	return all
}

// Links returns the addresses that the page links to.
func (p *Page) Links() (all []string) {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" {
			all = append(all, attribute(n, "href"))
		}
	}
	return all
}

// Actions returns the addresses that the page's forms go to.
func (p *Page) Actions() (all []string) {
	for _, f := range p.forms() {
		all = append(all, attribute(f, "action"))
	}
	return all
}

// Fields returns the fields of the form that goes to an address, as the page filled them
// in. A checkbox or a button counts if it is checked.
func (p *Page) Fields(action string) url.Values {
	p.browser.t.Helper()
	return fields(p.form(action))
}

// Submit sends the form that goes to the address, with the page's own fields, of which
// these, names and values in turn, replace some. An action may leave off its query or,
// with a star at its end, its last part.
func (p *Page) Submit(action string, pairs ...string) *Page {
	p.browser.t.Helper()
	f := p.form(action)
	form := fields(f)
	for name, values := range p.browser.values(pairs) {
		if !has(f, name) {
			p.browser.t.Fatalf("webtest: the form to %s on %s has no field %s; it has %s", action, p.Path, name, slices.Sorted(maps.Keys(form)))
		}
		form[name] = values
	}
	to := attribute(f, "action")
	if to == "" { // an empty action is the page itself
		to = p.Path
	}
	return p.browser.send(p.browser.request(http.MethodPost, to, form))
}

func (p *Page) forms() (all []*html.Node) {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			all = append(all, n)
		}
	}
	return all
}

func (p *Page) form(action string) *html.Node {
	p.browser.t.Helper()
	for _, f := range p.forms() {
		to := attribute(f, "action")
		path, _, _ := strings.Cut(to, "?")
		start, star := strings.CutSuffix(action, "*")
		if to == action || path == action || star && strings.HasPrefix(to, start) || to == "" && action == p.Path {
			return f
		}
	}
	p.browser.t.Fatalf("webtest: %s (%d, %q) has no form to %s; there are %q", p.Path, p.Status, p.Text("h1"), action, p.Actions())
	return nil
}

func (p *Page) find(is func(*html.Node) bool) *html.Node {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			return n
		}
	}
	return nil
}

func has(form *html.Node, name string) bool {
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "name") == name {
			return true
		}
	}
	return false
}

func fields(form *html.Node) url.Values {
	all := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch n.Data {
		case "input":
			kind := attribute(n, "type")
			if (kind == "checkbox" || kind == "radio") && !set(n, "checked") {
				continue
			}
			all.Add(name, attribute(n, "value"))
		case "textarea":
			all.Add(name, text(n))
		case "select":
			all.Add(name, chosen(n))
		}
	}
	return all
}

// chosen returns the value of a select: the option that is selected, or the first one.
func chosen(n *html.Node) string {
	first, found := "", false
	for o := range n.Descendants() {
		if o.Type != html.ElementNode || o.Data != "option" {
			continue
		}
		if set(o, "selected") {
			return value(o)
		}
		if !found {
			first, found = value(o), true
		}
	}
	return first
}

// value returns the value of an option: its text where it has no other.
func value(o *html.Node) string {
	if set(o, "value") {
		return attribute(o, "value")
	}
	return text(o)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func set(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
