package words

import (
	"fmt"
	"html/template"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// Say returns the text with this id. Arguments are names and values in turn; the
// one called Count, an int, chooses the plural form. Where there is no such
// text, which the tests rule out, it is the id.
//
// The text may hold markup in some ids: those are for [Language.HTML].
func (l *Language) Say(id string, args ...any) string {
	text, err := l.Find(id, args...)
	if err != nil {
		return id
	}
	return text
}

// Find is Say for ids that are put together from values that are not known
// beforehand: an error means that there is no such text.
func (l *Language) Find(id string, args ...any) (string, error) {
	data, err := pairs(args)
	if err != nil {
		return "", fmt.Errorf("words: %s: %w", id, err)
	}
	// With a text there may be an error as well: that of a plural form that the
	// catalogue leaves out, such as the Spanish one for whole millions.
	text, err := l.texts.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: data["Count"]})
	if text == "" && err != nil {
		return "", fmt.Errorf("words: %w", err)
	}
	return text, nil
}

// HTML is Find for a text with markup. The arguments are escaped: they are
// people's, and the markup is not.
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
		return nil, fmt.Errorf("%d arguments are no names and values", len(args))
	}
	data := make(map[string]any, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name of an argument", args[i])
		}
		data[name] = args[i+1]
	}
	return data, nil
}
