package app

import (
	"context"

	"github.com/totpflow/totpflow/examples/internal/words"
)

// languageKey is the key of a request's language in its context, see around.
type languageKey struct{}

// spoken returns the language of the request, or English if it has none.
func spoken(ctx context.Context) *words.Language {
	if l, ok := ctx.Value(languageKey{}).(*words.Language); ok {
		return l
	}
	return words.English()
}
