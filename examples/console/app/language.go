package app

import (
	"context"

	"github.com/totpflow/totpflow/examples/internal/words"
)

// languageKey is the context's key of the language of a request, see around.
type languageKey struct{}

// spoken is the language of the request; English where there is none.
func spoken(ctx context.Context) *words.Language {
	if l, ok := ctx.Value(languageKey{}).(*words.Language); ok {
		return l
	}
	return words.English()
}
