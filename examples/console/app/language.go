package app

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/totpflow/totpflow/examples/internal/words"
)

// languageCookie holds the language that somebody has chosen in the menu.
const languageCookie = "__Host-language"

type languageKey struct{}

// withLanguage has each page know the language: the one that was chosen here,
// otherwise the one that best fits what the browser asks for.
func withLanguage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Language, Cookie")
		var chosen *words.Language
		if k, err := r.Cookie(languageCookie); err == nil {
			chosen = words.ByTag(k.Value)
		}
		l := cmp.Or(chosen, words.Accepted(r.Header.Get("Accept-Language")))
		next.ServeHTTP(w, r.WithContext(inLanguage(r.Context(), l)))
	})
}

func inLanguage(ctx context.Context, l *words.Language) context.Context {
	return context.WithValue(ctx, languageKey{}, l)
}

// spoken is the language of the request; English where there is none.
func spoken(ctx context.Context) *words.Language {
	if l, ok := ctx.Value(languageKey{}).(*words.Language); ok {
		return l
	}
	return words.English()
}

// postLanguage keeps a choice, and leads back to the page that it was made on.
func (c *console) postLanguage(w http.ResponseWriter, r *http.Request) error {
	if l := words.ByTag(r.PostFormValue("language")); l != nil {
		const year = 365 * 24 * 60 * 60
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: l.Tag(), MaxAge: year,
			Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return redirect(w, r, here(r.PostFormValue("back")))
}

// here is an address on this site: the start page, unless to is one. A form that
// leads elsewhere was written by somebody else.
func here(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" ||
		!strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	return u.RequestURI()
}

// back is the page to show again in another language. It is empty for what a
// form has just shown: that is shown once, and is gone when it is left.
func (c *console) back(r *http.Request, refused error) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	if refused == nil {
		return ""
	}
	// The page with the form that was refused: the address itself, or one above it.
	for p := r.URL.Path; ; p = path.Dir(p) {
		get := &http.Request{Method: http.MethodGet, Host: r.Host, URL: &url.URL{Path: p}}
		if _, pattern := c.mux.Handler(get); p == "/" || pattern != "/" {
			return p
		}
	}
}
