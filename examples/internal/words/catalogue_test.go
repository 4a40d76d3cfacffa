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

// catalogue reads the texts of a language by their ids; a text with plural forms
// has each under the id, a blank and the form.
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

// Every text is there in every language, in the same plural forms, with the
// same arguments and the same markup: no link leads elsewhere in translation.
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

// arguments are those of a text. A singular may do without its Count.
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

// Forms are those that English, German and Spanish have for what is counted here.
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

// Each language has its own marks, and speaks to people as the console does:
// “…”, „…“ and «…»; Sie and usted.
func TestHouseStyle(t *testing.T) {
	for tag, wrong := range map[string]string{
		"en": `[„«»]|…\.|\.\.\.|--`,
		"de": `[”«»]|\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b|\.\.\.|--|2FA\b|Zwei-Faktor Auth|Zweifaktor`,
		"es": `[„“”]|\b(tú|tu|tus|te|tuyo|contigo)\b|\.\.\.|--`,
	} {
		for id, text := range catalogue(t, tag) {
			text = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(text, "") // of tags
			require.NotRegexp(t, wrong, text, "%s: %s", tag, id)
			if strings.HasPrefix(id, "agent.") || strings.HasPrefix(id, "refused.") { // a terminal's: plain, and prompts end in a blank
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
