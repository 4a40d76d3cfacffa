package web_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

func files(pairs ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return f
}

// try returns the error of New for a configuration.
func try(t *testing.T, change func(*web.Config)) error {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	service, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys})
	require.NoError(t, err)
	c := web.Config{Service: service, Host: memhost.New(), Product: "Acme Backup"}
	change(&c)
	_, err = web.New(c)
	return err
}

const ownCode = `<h1>Code, {{.Account}}</h1>{{template "error" .}}<form method="POST" action="{{path "code"}}"><input id="code" name="code">{{if .Pair}}<input name="code2">{{end}}{{if .TrustFor}}<input type=checkbox name=trust value=yes>{{end}}<button>{{say "own.go"}}</button></form>`

// A single template is replaced, and the others stay.
func TestReplacedTemplate(t *testing.T) {
	s := newSite(t, func(c *web.Config) {
		c.Templates = files("code.html", ownCode)
		c.Catalogues = files("en.json", `{"own": {"go": "Off we go"}}`)
	})
	p, _ := s.user(ana)
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Code, ana@acme.example")
	require.Equal(t, "Off we go", p.Page.Text("button"))
	p.Page.Submit("/2fa/code", "code", p.phone.WrongCode())
	require.Contains(t, p.Page.Text("error"), "This code is not right.")
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// New refuses a template that could not do its work.
func TestReplacedTemplateIsTried(t *testing.T) {
	for name, test := range map[string]struct{ file, template, says string }{
		"no form":         {"code.html", `<h1>Code</h1>`, "there is no form with method post and action /2fa/code"},
		"get":             {"code.html", `<form method="get" action="{{path "code"}}"><input name="code"></form>`, "there is no form with method post"},
		"elsewhere":       {"code.html", `<form method="post" action="/code"><input name="code"></form>`, "action /2fa/code"},
		"no field":        {"recovery.html", `<form method="post" action="{{path "recovery"}}"><input name="code"></form>`, "there is no field recovery_code"},
		"one of two":      {"code.html", `<form method="post" action="{{path "code"}}"><input name="code"><input name="trust"></form>`, "there is no field code2"},
		"fields dropped":  {"stepup.html", `<form method="post" action="{{.Action}}"><input name="totpflow_code"><input name="totpflow_back"></form>`, "there is no field note"},
		"unknown field":   {"ended.html", `{{.Nothing}}`, "Nothing"},
		"unknown text":    {"ended.html", `{{say "ended.nothing"}}`, `there is no text "ended.nothing"`},
		"not a template":  {"ended.html", `{{if}}`, "missing value for if"},
		"layout":          {"layout.html", `{{.Nothing}}`, "Nothing"},
		"part":            {"parts.html", `{{define "error"}}{{end}}`, "no such template"},
		"not for phones":  {"phone-code.html", `<form method="post" action="{{path "phone-code"}}"><input name="phone_code"></form>`, "phone-code"},
		"a change is off": {"security.html", `<h1>Security</h1>`, "security/rename/a1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := try(t, func(c *web.Config) { c.Templates = files(test.file, test.template) })
			require.ErrorIs(t, err, web.ErrConfig)
			require.ErrorContains(t, err, test.says)
		})
	}
}

// The module's own templates and texts serve as the host's, unchanged.
func TestCopies(t *testing.T) {
	require.NoError(t, try(t, func(c *web.Config) { c.Templates, c.Catalogues = web.Templates(), web.Catalogues() }))
	names, err := fs.Glob(web.Templates(), "*.html")
	require.NoError(t, err)
	require.Len(t, names, 19)
}

// The host's layout is around every page; if it fails, nothing of it is sent.
func TestLayout(t *testing.T) {
	broken := false
	s := newSite(t, func(c *web.Config) {
		c.Layout = func(w http.ResponseWriter, r *http.Request, p web.Page) error {
			if _, err := fmt.Fprintf(w, "<title>%s</title>%s<nav>%s</nav><main class=totpflow>%s</main>", p.Title, p.Head, web.SessionOf(r).User.Name, p.Content); err != nil {
				return err
			}
			if broken {
				return fs.ErrInvalid
			}
			return nil
		}
	})
	p, _ := s.user(ana)
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Enter your code")
	require.Contains(t, p.Page.HTML, `<link rel="stylesheet" href="/2fa/static/web.css">`)
	require.NotContains(t, p.Page.HTML, "<footer")
	p.Page.Submit("/2fa/code", "code", p.phone.WrongCode())
	require.Equal(t, http.StatusForbidden, p.Page.Status, "the status is the page's")
	broken = true
	p.Get("/2fa/code")
	require.Equal(t, http.StatusInternalServerError, p.Page.Status)
	require.NotContains(t, p.Page.HTML, "<nav>")
}

func TestStatic(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	for path, kind := range map[string]string{"/2fa/static/web.css": "text/css", "/2fa/static/web.js": "text/javascript"} {
		p.Get(path)
		require.Equal(t, http.StatusOK, p.Page.Status)
		require.Contains(t, p.Page.Header.Get("Content-Type"), kind)
	}
	for _, path := range []string{"/2fa/static/", "/2fa/static/nothing", "/2fa/nothing"} {
		require.Equal(t, http.StatusNotFound, p.Get(path).Status, path)
	}
}

// A product that keeps no generation learns that when it starts: nothing else would show
// it.
func TestNoGenerationIsSaid(t *testing.T) {
	for _, kept := range []bool{true, false} {
		var log bytes.Buffer
		newSite(t, func(c *web.Config) {
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
			if !kept {
				c.KeepGeneration = nil
			}
		})
		require.Equal(t, !kept, strings.Contains(log.String(), "KeepGeneration is not set"))
	}
}
