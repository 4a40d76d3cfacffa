package words

import (
	"fmt"
	"html/template"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// Say returns the text with this id. The arguments are names and values in turn; the one
// called Count, an int, selects the plural form. If there is no such text, which the
// tests rule out, Say returns the id.
//
// Some texts contain markup: those are for [Language.HTML].
func (l *Language) Say(id string, args ...any) string {
	text, err := l.Find(id, args...)
	if err != nil {
		return id
	}
	return text
}

// Find is like Say, for ids that are put together from values that are not known in
// advance. An error means that the text is missing.
func (l *Language) Find(id string, args ...any) (string, error) {
	data, err := pairs(args)
	if err != nil {
		return "", fmt.Errorf("words: %s: %w", id, err)
	}
	// Localize may return an error together with a text: for a plural form that the
	// catalogue leaves out, such as the Spanish one for whole millions.
	text, err := l.texts.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: data["Count"]})
	if text == "" && err != nil {
		return "", fmt.Errorf("words: %w", err)
	}
	return text, nil
}

// HTML is like Find, for a text with markup. The arguments are escaped, because people
// choose them, and the markup is not.
func (l *Language) HTML(id string, args ...any) (template.HTML, error) {
	escaped := make([]any, len(args))
	for i, value := range args {
		if _, number := value.(int); i%2 == 1 && !number {
			value = template.HTMLEscaper(value)
		}
		escaped[i] = value
	}
	text, err := l.Find(id, escaped...)
	return template.HTML(text), err
}

func pairs(args []any) (map[string]any, error) {
	if len(args)%2 != 0 {
		return nil, fmt.Errorf("%d arguments are not names and values in turn", len(args))
	}
	data := make(map[string]any, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is not the name of an argument", args[i])
		}
		data[name] = args[i+1]
	}
	return data, nil
}
