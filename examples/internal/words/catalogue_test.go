package words_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// catalogue returns the texts of a language by id. A text with plural forms has an entry
// for each of them, under the id, a space and the form.
func catalogue(t *testing.T, tag string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(tag + ".json")
	require.NoError(t, err)
	var groups map[string]map[string]any
	require.NoError(t, json.Unmarshal(raw, &groups))
	texts := make(map[string]string)
	for group, entries := range groups {
		for name, entry := range entries {
			switch entry := entry.(type) {
			case string:
				texts[group+"."+name] = entry
			case map[string]any:
				for form, text := range entry {
					texts[group+"."+name+" "+form] = text.(string)
				}
			}
		}
	}
	return texts
}

var (
	argument = regexp.MustCompile(`{{[^}]*}}`)
	tag      = regexp.MustCompile(`</?[a-z][^>]*>`)
)

// Every language has every text, with the same plural forms, arguments and markup, so
// that no link leads somewhere else in a translation.
func TestLanguagesHaveTheSameTexts(t *testing.T) {
	english := catalogue(t, "en")
	for _, other := range []string{"de", "es"} {
		texts := catalogue(t, other)
		require.ElementsMatch(t, slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(texts)), other)
		for id, text := range texts {
			require.NotEmpty(t, strings.TrimSpace(text), "%s: %s", other, id)
			require.Equal(t, sorted(tag, english[id]), sorted(tag, text), "%s: %s: %s", other, id, text)
			require.Equal(t, strings.HasSuffix(english[id], "\n"), strings.HasSuffix(text, "\n"), "%s: %s", other, id)
			if !strings.HasPrefix(id, "mail.subject") {
				require.Equal(t, arguments(english, id), arguments(texts, id), "%s: %s: %s", other, id, text)
			}
		}
	}
}

// arguments returns the arguments of a text. A singular may leave out its Count.
func arguments(texts map[string]string, id string) []string {
	found := slices.Compact(sorted(argument, texts[id]))
	if strings.HasSuffix(id, " one") {
		found = slices.DeleteFunc(found, func(a string) bool { return a == "{{.Count}}" })
	}
	return found
}

func sorted(what *regexp.Regexp, text string) []string {
	found := what.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

// The plural forms are those that English, German and Spanish have for the things that
// are counted here.
func TestPluralForms(t *testing.T) {
	for _, tag := range []string{"en", "de", "es"} {
		for id, text := range catalogue(t, tag) {
			name, form, plural := strings.Cut(id, " ")
			if plural {
				require.Contains(t, []string{"one", "other"}, form, id)
				require.Contains(t, catalogue(t, tag), name+" one")
				require.Contains(t, catalogue(t, tag), name+" other")
			} else {
				require.NotContains(t, text, "{{.Count}}", "%s: %s: what counts has two forms", tag, id)
			}
		}
	}
}

// Each language uses its own quotation marks, “…”, „…“ or «…», and addresses people as
// the console does, with Sie and usted.
func TestHouseStyle(t *testing.T) {
	for tag, wrong := range map[string]string{
		"en": `[„«»]|…\.|\.\.\.|--`,
		"de": `[”«»]|\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b|\.\.\.|--|2FA\b|Zwei-Faktor Auth|Zweifaktor`,
		"es": `[„“”]|\b(tú|tu|tus|te|tuyo|contigo)\b|\.\.\.|--`,
	} {
		for id, text := range catalogue(t, tag) {
			terminal := strings.HasPrefix(id, "agent.") || strings.HasPrefix(id, "refused.")
			if terminal && tag != "en" {
				require.NotContains(t, text, `"`, "%s: %s", tag, id)
			}
			text = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(text, "") // the attributes of tags
			require.NotRegexp(t, wrong, text, "%s: %s", tag, id)
			if terminal { // plain, with " in English, and prompts end with a space
				continue
			}
			require.NotContains(t, text, `"`, "%s: %s", tag, id)
			require.NotContains(t, text, "'", "%s: %s: an apostrophe is ’", tag, id)
			require.Equal(t, strings.Trim(text, " "), text, "%s: %s", tag, id)
		}
	}
	for id, text := range catalogue(t, "de") {
		require.Equal(t, strings.Count(text, "„"), strings.Count(text, "“"), id)
	}
	for id, text := range catalogue(t, "es") {
		require.Equal(t, strings.Count(text, "«"), strings.Count(text, "»"), id)
		require.Equal(t, strings.Count(text, "¿"), strings.Count(text, "?"), id)
	}
}
