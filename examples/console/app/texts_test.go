package app_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// texts returns the texts of the English catalogue by id; for a text with plural forms,
// all of them one after the other.
func texts(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../../internal/words/en.json")
	require.NoError(t, err)
	var groups map[string]map[string]any
	require.NoError(t, json.Unmarshal(raw, &groups))
	found := make(map[string]string)
	for group, entries := range groups {
		for name, entry := range entries {
			switch entry := entry.(type) {
			case string:
				found[group+"."+name] = entry
			case map[string]any:
				for _, form := range slices.Sorted(maps.Keys(entry)) {
					found[group+"."+name] += "{{.Count}}" + entry[form].(string)
				}
			}
		}
	}
	return found
}

var (
	comment   = regexp.MustCompile(`(?s){{/\*.*?\*/}}`)
	action    = regexp.MustCompile(`(?s){{.*?}}`)
	element   = regexp.MustCompile(`(?s)<[^>]*>`)
	attribute = regexp.MustCompile(`\b(?:aria-label|aria-description|alt|title|placeholder|content|download)="([^"]*)"`)
	letters   = regexp.MustCompile(`\pL`)
)

// Names are the same in every language.
var names = []string{
	"– Acme Backup", "Acme Backup", "Google Authenticator", "Microsoft Authenticator", "Authy", "LastPass Authenticator",
	"Aegis", "2FAS", "Bitwarden", "1Password", "XXXX-XXXX-XXXX-XXXX", "width=device-width, initial-scale=1", "light dark",
}

func templates(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	found := make(map[string]string)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		found[file] = comment.ReplaceAllString(string(raw), "")
	}
	return found
}

// No template contains a text of its own: what people read is in the catalogue.
func TestTemplatesHoldNoText(t *testing.T) {
	for file, source := range templates(t) {
		markup := action.ReplaceAllString(source, "")
		lines := strings.Split(element.ReplaceAllString(markup, "\n"), "\n")
		for _, m := range attribute.FindAllStringSubmatch(markup, -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			if line = strings.TrimSpace(line); letters.MatchString(line) {
				require.Contains(t, names, line, "%s: a text that is not in the catalogue", file)
			}
		}
	}
}

// literals returns the strings in the console's Go files, with their places, apart from
// those in tests and in tables of strings that nobody reads.
func literals(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := make(map[string]string)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].Name == "DemoAccounts" {
				return false // names, and words for the operator's screen
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				require.NoError(t, err)
				found[text] = set.Position(l.Pos()).String()
			}
			return true
		})
	}
	return found
}

// A sentence begins with a capitalized word, or looks like one that a page puts together.
// Errors and the log are in small letters.
var sentence = regexp.MustCompile(`^\P{L}*\p{Lu}\p{Ll}*(\s|[.,:?!…]|$)|[“”„«»’]|\.\s+\p{Lu}|[^.]\.$`)

// Strings that are not text: names, and parts of protocols, of SQL and of files.
var noText = regexp.MustCompile(`^(Acme Backup( <.*>)?|Accept-Language|Content-[A-Za-z-]+|[A-Z][a-z]+(-[A-Z][a-z]+)+|Vary|GET|POST|` +
	`(?s)(ALTER|CREATE|DELETE|INSERT|SELECT|UPDATE|PRAGMA|WHERE|SQL)\b.*|To: %s.*|\s+(GB|TB)|\s*(FROM|WHERE|ORDER)\b.*|Accept-Language, Cookie)$`)

// Nor does a Go file.
func TestGoFilesHoldNoText(t *testing.T) {
	for text, at := range literals(t) {
		if sentence.MatchString(text) && !noText.MatchString(strings.TrimSpace(text)) && strings.ContainsAny(text, " ’“") {
			require.Failf(t, "a text that is not in the catalogue", "%s: %q", at, text)
		}
	}
}

var (
	call = regexp.MustCompile(`\b(?:say|rich) "([^"]+)"((?: "[A-Z]\w*" (?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\S+?))*)\s*(?:}}|\))`)
	name = regexp.MustCompile(`"([A-Z]\w*)" `)
	made = regexp.MustCompile(`print "([a-z]+\.)"`)
	used = regexp.MustCompile(`{{\.(\w+)}}`)
	path = regexp.MustCompile(`^[a-z][a-z-]*\.[A-Za-z0-9_-]*$`)
)

// Every text that a template or a Go file uses exists. A template passes exactly the
// arguments that the text has, and no text is unused.
func TestTextsAndUses(t *testing.T) {
	texts := texts(t)
	left := maps.Clone(texts)
	var begun []string // the beginnings of ids that are put together
	for file, source := range templates(t) {
		page := strings.TrimSuffix(filepath.Base(file), ".html")
		delete(left, page+".title")
		if page != "layout" && page != "parts" && page != "web" {
			require.Contains(t, texts, page+".title")
		}
		calls := call.FindAllStringSubmatch(source, -1)
		require.Len(t, calls, strings.Count(source, `say "`)+strings.Count(source, `rich "`), "%s: a call that this test does not read", file)
		for _, m := range calls {
			require.Contains(t, texts, m[1], file)
			delete(left, m[1])
			require.Equal(t, sorted(used, texts[m[1]]), sorted(name, m[2]), "%s: %s", file, m[1])
			require.Equal(t, strings.Contains(texts[m[1]], "<"), strings.Contains(source, `rich "`+m[1]+`"`), "%s: %s: say is for text, and rich for markup", file, m[1])
		}
		for _, m := range made.FindAllStringSubmatch(source, -1) {
			begun = append(begun, m[1])
		}
	}
	groups := make(map[string]bool)
	for id := range texts {
		group, _, _ := strings.Cut(id, ".")
		groups[group] = true
	}
	for text, at := range literals(t) {
		text = strings.TrimSuffix(text, "%v")
		group, rest, _ := strings.Cut(text, ".")
		if !path.MatchString(text) || !groups[group] {
			continue
		}
		if rest == "" {
			begun = append(begun, text)
			continue
		}
		require.Contains(t, texts, text, at)
		delete(left, text)
	}
	for id := range left {
		group, _, _ := strings.Cut(id, ".")
		if !slices.Contains(begun, group+".") && !slices.Contains([]string{"span", "ago", "time", "list", "agent", "refused", "factor"}, group) {
			require.Failf(t, "a text that nothing uses", "%s", id)
		}
	}
}

func sorted(what *regexp.Regexp, text string) (found []string) {
	for _, m := range what.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}
