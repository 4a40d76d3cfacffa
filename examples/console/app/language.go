package app

import (
	"context"
	"net/http"

	"github.com/totpflow/totpflow/examples/internal/words"
)

type languageKey struct{}

// withLanguage has each of the console's pages know the language of the request: that of
// web's pages, whose menu a person chooses it from.
func (c *console) withLanguage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := words.Accepted(c.web.LanguageOf(r).Tag())
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), languageKey{}, l)))
	})
}

// spoken is the language of the request; English where there is none.
func spoken(ctx context.Context) *words.Language {
	if l, ok := ctx.Value(languageKey{}).(*words.Language); ok {
		return l
	}
	return words.English()
}
