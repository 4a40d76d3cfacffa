package routers

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
	"github.com/totpflow/totpflow/web/webtest"
)

// A product has one page, which requires a session, and a sign-in.
type product struct {
	pages  *web.Web
	home   http.Handler
	signIn http.HandlerFunc
}

// routers put a product together. They contain the lines of docs/web.md word for word.
var routers = map[string]func(product) http.Handler{
	"net/http": func(p product) http.Handler {
		pages, app, mux := p.pages, p.home, http.NewServeMux()
		mux.Handle("/2fa/", pages.Handler())
		mux.Handle("/", pages.Require(app))
		mux.Handle("/signin", p.signIn)
		return mux
	},
	"chi": func(p product) http.Handler {
		pages, r := p.pages, chi.NewRouter()
		r.Mount("/2fa", pages.Handler())
		r.Handle("/signin", p.signIn)
		r.Group(func(r chi.Router) {
			r.Use(pages.Require)
			r.Get("/", p.home.ServeHTTP)
		})
		return r
	},
	"gin": func(p product) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		pages, app, r := p.pages, p.home, gin.New()
		r.Any("/2fa/*path", gin.WrapH(pages.Handler()))
		r.Any("/signin", gin.WrapF(p.signIn))
		r.GET("/", gin.WrapH(pages.Require(app)))
		return r
	},
	"echo": func(p product) http.Handler {
		pages, e := p.pages, echo.New()
		e.Any("/2fa/*", echo.WrapHandler(pages.Handler()))
		e.Any("/signin", echo.WrapHandler(p.signIn))
		e.GET("/", echo.WrapHandler(p.home), echo.WrapMiddleware(pages.Require))
		return e
	},
}

// With each of them a person signs in, sets up, signs in with a code, and is let through
// to the page that requires a session. Nobody else is.
func TestRouters(t *testing.T) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			host, clock := memhost.New(), totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC))
			host.Add(totpflow.User{ID: totpflow.AccountID{User: "1"}, Name: "ana@acme.example"}, "correct horse")
			keys, err := keyring.Parse(keyring.Generate())
			require.NoError(t, err)
			service, err := totpflow.New(totpflow.Config{
				Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Policy: policy.Fixed{Mode: policy.Optional}, Now: clock.Now,
			})
			require.NoError(t, err)
			pages, err := web.New(web.Config{Service: service, Host: host, Product: "Acme Backup", Now: clock.Now})
			require.NoError(t, err)
			p := product{
				pages: pages,
				home: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = fmt.Fprintf(w, `<h1>Home of %s</h1>`, web.SessionOf(r).User.Name)
				}),
				signIn: func(w http.ResponseWriter, r *http.Request) {
					user, err := host.LogIn(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
					if err != nil {
						_, _ = fmt.Fprint(w, `<h1>Sign in</h1>`)
						return
					}
					pages.AfterPassword(w, r, user)
				},
			}
			goesThrough(t, webtest.NewBrowser(t, webtest.Serve(t, router(p))), clock)
		})
	}
}

func goesThrough(t *testing.T, b *webtest.Browser, clock *totptest.Clock) {
	t.Helper()
	password := func() { b.Post("/signin", "email", "ana@acme.example", "password", "correct horse") }
	require.Equal(t, "/signin", b.Get("/").Path, "nobody is signed in")
	password()
	require.Equal(t, "Home of ana@acme.example", b.Page.Text("h1"))
	phone, err := totptest.TypeSecret(b.Get("/2fa/setup").Text("secret"), clock)
	require.NoError(t, err)
	b.Page.Submit("/2fa/setup", "code", phone.Code())
	b.Page.Submit("/2fa/security/saved")
	b.Post("/2fa/signout")
	require.Equal(t, "/signin", b.Get("/").Path)
	password()
	require.Equal(t, "/2fa/code", b.Page.Path)
	require.Equal(t, http.StatusOK, b.Get("/2fa/static/web.css").Status)
	b.Get("/2fa/code").Submit("/2fa/code", "code", phone.Code())
	require.Equal(t, "Home of ana@acme.example", b.Page.Text("h1"))
	require.Equal(t, http.StatusNotFound, b.Get("/2fa/nothing").Status)
}

var span = regexp.MustCompile("`([^`]+)`")

// Every line that the page on module web shows for a router is in this file.
func TestLinesOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/web.md")
	require.NoError(t, err)
	source, err := os.ReadFile("routers_test.go")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n## Routers\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	shown := 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z/]+) \| (.*) \|$`).FindAllStringSubmatch(section, -1) {
		require.Contains(t, routers, row[1])
		for _, line := range span.FindAllStringSubmatch(row[2], -1) {
			require.Contains(t, string(source), line[1], row[1])
			shown++
		}
	}
	require.GreaterOrEqual(t, shown, 2*len(routers))
}
