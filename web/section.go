package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/throttle"
)

// A SectionConfig configures a [Section].
type SectionConfig struct {
	Prefix     string                           // the path that the pages are mounted under
	Templates  fs.FS                            // its templates, by names that this package does not use; the host's Config.Templates replace them; its pages share the definitions in those whose names end in "-parts.html"
	Catalogues fs.FS                            // its texts, a file for each language, in groups that this package does not use
	Functions  func(*Language) template.FuncMap // functions for its templates, in addition to those of [Templates]; path is the section's own
	Head       template.HTML                    // links in addition to the style sheet and the script

	// Explain returns a text and a status for an error, if it is one of the section's
	// own.
	Explain func(l *Language, err error) (text string, status int)

	// SignOut is called when a person signs out.
	SignOut func(ctx context.Context, u totpflow.User) error
}

// A Section is a set of pages of another package, such as adminweb, with the sessions,
// languages, layout and protection of this package. It is safe for concurrent use.
type Section struct {
	SectionConfig
	web       *Web
	languages map[*Language]*Language // the section's, by that of [Web]
	pages     map[*Language]pages
}

// Section adds pages. Do not call it while requests are served.
func (h *Web) Section(c SectionConfig) (*Section, error) {
	if c.Functions == nil {
		c.Functions = func(*Language) template.FuncMap { return nil }
	}
	if c.Explain == nil {
		c.Explain = func(*Language, error) (string, int) { return "", 0 }
	}
	s := &Section{SectionConfig: c, web: h, languages: map[*Language]*Language{}, pages: map[*Language]pages{}}
	own := map[string]texts{}
	if err := loadTexts(own, c.Catalogues); err != nil {
		return nil, err
	}
	var english *Language
	for _, l := range h.languages.all { // English first
		if err := l.texts.fit(own["en"]); err != nil {
			return nil, fmt.Errorf("%w: Catalogues: %w", ErrConfig, err)
		}
		merged := make(texts)
		maps.Copy(merged, own[l.Tag()])
		maps.Copy(merged, l.texts) // the host's, where it has one
		x := &Language{tag: l.tag, texts: merged, other: english}
		english = cmp.Or(english, x)
		s.languages[l] = x
		if err := s.parse(x); err != nil {
			return nil, err
		}
	}
	if c.SignOut != nil {
		h.mu.Lock()
		h.signOut = append(h.signOut, c.SignOut)
		h.mu.Unlock()
	}
	return s, nil
}

// parse parses the section's templates for a language.
func (s *Section) parse(l *Language) error {
	funcs := s.web.functions(l)
	funcs["path"] = s.Path
	funcs["account"] = s.web.Path
	maps.Copy(funcs, s.Functions(l))
	parts, err := s.web.parse(Templates(), template.New("").Funcs(funcs), "parts.html")
	if err != nil {
		return err
	}
	names, err := fs.Glob(s.Templates, "*.html")
	if err != nil { // unreachable: the pattern is fixed
		return err
	}
	shared := func(name string) bool { return strings.HasSuffix(name, "-parts.html") }
	for _, name := range names {
		if !shared(name) {
			continue
		}
		if parts, err = s.web.parse(s.Templates, parts, name); err != nil {
			return err
		}
	}
	s.pages[l] = pages{}
	for _, name := range slices.DeleteFunc(names, shared) {
		own, err := parts.Clone()
		if err != nil {
			return err
		}
		if own, err = s.web.parse(s.Templates, own, name); err != nil {
			return err
		}
		s.pages[l][strings.TrimSuffix(name, ".html")] = own
	}
	return nil
}

// Path returns the address of one of the section's pages.
func (s *Section) Path(page string) string { return s.Prefix + "/" + page }

// Language returns the language of the request, with the section's texts.
func (s *Section) Language(r *http.Request) *Language { return s.languages[s.web.spoken(r)] }

// Languages returns all languages, English first.
func (s *Section) Languages() (all []*Language) {
	for _, l := range s.web.languages.all {
		all = append(all, s.languages[l])
	}
	return all
}

// Handle lets requests of this site with a valid session through, as [Web.Require] does.
// It sets the headers of this package's pages, and answers if the function fails.
func (s *Section) Handle(f func(http.ResponseWriter, *http.Request, Session) error) http.Handler {
	return s.web.handle(func(w http.ResponseWriter, r *http.Request) error {
		s.web.headers(w)
		v, err := s.web.visitor(r)
		if err != nil {
			return err
		}
		if err := readForm(w, r); err != nil {
			return err
		}
		err = f(w, withSession(r, v), v.Session)
		if text, status := s.explain(r, err); text != "" {
			p := &ProblemPage{Common: Common{Title: s.Language(r).Say("problem.title")}, Home: s.web.Home}
			return s.write(w, r, status, "problem", text, p)
		}
		return err
	})
}

func (s *Section) explain(r *http.Request, err error) (string, int) {
	if err == nil {
		return "", http.StatusOK
	}
	return s.Explain(s.Language(r), err)
}

// Show answers with a page of the section. The data is a pointer to a struct that embeds
// [Common]. Where a form was refused it is the page of the form again, with the reason
// and its status.
func (s *Section) Show(w http.ResponseWriter, r *http.Request, page string, refused error, data interface{ common() *Common }) error {
	text, status := s.explain(r, refused)
	if text == "" {
		text, status = s.Language(r).explain(codeOf("stepup", data), refused, s.web.now()), s.web.status(w, refused)
	}
	return s.write(w, r, status, page, text, data)
}

func (s *Section) write(w http.ResponseWriter, r *http.Request, status int, page, refused string, data pageData) error {
	l := s.Language(r)
	c := data.common()
	c.Product, c.now, c.Error, c.Notice = s.web.Product, s.web.now(), refused, s.web.takeNotice(w, r, l)
	if c.Title == "" {
		c.Title = l.Say(page + ".title")
	}
	back := ""
	if r.Method == http.MethodGet {
		back = address(r)
	}
	content, err := s.Content(l, page, data)
	if err != nil {
		return err
	}
	return s.web.write(w, r, status, s.web.spoken(r), Page{
		Product: s.web.Product, Title: c.Title, Language: l.Tag(), Failed: refused != "", Head: s.web.head(formPage(r)) + s.Head, Content: content, Back: back,
	})
}

// Content renders a page without its layout, for tests of a host's templates.
func (s *Section) Content(l *Language, page string, data any) (template.HTML, error) {
	t := s.pages[l][page]
	if t == nil {
		t = s.web.pages[s.web.languages.byTag(l.Tag())][page]
	}
	if t == nil {
		return "", fmt.Errorf("web: unknown template %q", page)
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("web: %w", err)
	}
	return template.HTML(b.String()), nil
}

// Notice leaves a notice for the next page: the last part of the id of a text in the group
// notice.
func (s *Section) Notice(w http.ResponseWriter, word string) { s.web.setNotice(w, word) }

// Next makes a set-up lead back to the page of the request, for a page that requires the set-up
// first. For the answer to a form it does nothing: its address is not that of a page.
func (s *Section) Next(w http.ResponseWriter, r *http.Request) {
	if to := address(r); r.Method == http.MethodGet && to != s.web.next(r) {
		s.web.setNext(w, to)
	}
}

// SetCookie keeps a value in the browser, as this package's pages do.
func (s *Section) SetCookie(w http.ResponseWriter, what, value string, age time.Duration) {
	s.web.setCookie(w, what, value, age)
}

// Cookie returns the value of [Section.SetCookie].
func (s *Section) Cookie(r *http.Request, what string) string { return s.web.cookie(r, what) }

// A CodeField is the data of a page that asks for a code of the person's app, as the
// template stepup.html does: fields totpflow_code and, where Pair is set, totpflow_code2.
type CodeField struct {
	Recovery bool   // the person has recovery codes, which are accepted as well
	Pair     bool   // a single code has to wait; two in a row are accepted
	Wait     string // why codes are locked out; empty if they are not
	NeedsApp bool   // the person has no app to show a code
}

// CodeField returns the current data for a page that asks for a code.
func (s *Section) CodeField(r *http.Request, of Session, refused error) (CodeField, error) {
	st, err := s.web.service.Account(of.User).Status(r.Context())
	if err != nil {
		return CodeField{}, err
	}
	f := CodeField{Recovery: hasRecoveryCodes(st), Pair: st.Throttled != nil, NeedsApp: len(st.Authenticators) == 0}
	var wait *throttle.Error
	if st.Throttled != nil && !errors.As(refused, &wait) {
		f.Wait = s.Language(r).wait(st.Throttled, false, s.web.now())
	}
	if errors.Is(refused, totpflow.ErrAlreadyUsed) { // the same form, sent twice
		f.Wait = s.Language(r).Say("stepup.twice")
	}
	return f, nil
}

// Verify returns a proof for the purpose by the code in the form. It makes the host store
// the generation that a recovery code raises.
func (s *Section) Verify(r *http.Request, of Session, p totpflow.Purpose) (totpflow.Proof, error) {
	return s.web.verify(r, visitor{Session: of, account: s.web.service.Account(of.User)}, p)
}

// HasCode reports whether the form contains a code.
func HasCode(r *http.Request) bool { return r.PostForm.Has(own + "code") }

// Fields returns the fields of the form that the person sent, without those of this
// package, in a stable order: a page that asks for a code sends them again.
func Fields(r *http.Request) []Field { return fields(r.PostForm) }

// signingOut tells the sections that the person of the request signs out.
func (h *Web) signingOut(r *http.Request, of Session) error {
	h.mu.Lock()
	tell := h.signOut
	h.mu.Unlock()
	var failed error
	for _, f := range tell {
		failed = errors.Join(failed, f(r.Context(), of.User))
	}
	return failed
}
