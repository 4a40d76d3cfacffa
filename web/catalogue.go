package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed words/*.json
var catalogueFiles embed.FS

// Catalogues returns the module's own texts, a file for each language. They are
// JSON: groups of texts by a name. A text may hold arguments such as {{.Name}}.
// A text that counts something is an object with the language's plural forms (zero, one,
// two, few, many, other) instead. Markup works only in texts that have some in en.json.
//
// A file of [Config.Catalogues] has the same shape and the texts that the host wants to
// change. A new language should have all of them; a missing one is shown in English.
func Catalogues() fs.FS {
	sub, err := fs.Sub(catalogueFiles, "words")
	if err != nil { // unreachable: the path is fixed
		return catalogueFiles
	}
	return sub
}

// texts are those of one language by id, such as "code.title".
type texts map[string]message

// A message is a text, or its plural forms.
type message struct {
	one   phrase
	forms map[plural.Form]phrase // nil: there are none
}

// A phrase alternates: literal, name of an argument, literal, and so on.
type phrase []string

var (
	placeholder = regexp.MustCompile(`{{\.([A-Z][A-Za-z]*)}}`)
	forms       = map[string]plural.Form{"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other}
)

func parsePhrase(s string) (phrase, error) {
	var p phrase
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		p = append(p, s[at:m[0]], s[m[2]:m[3]])
		at = m[1]
	}
	p = append(p, s[at:])
	for i := 0; i < len(p); i += 2 {
		if strings.Contains(p[i], "{{") {
			return nil, fmt.Errorf("%q has an argument that is not written {{.Name}}", s)
		}
	}
	return p, nil
}

// arguments returns the names in the phrase.
func (p phrase) arguments() []string {
	var names []string
	for i := 1; i < len(p); i += 2 {
		names = append(names, p[i])
	}
	return names
}

func (m message) phrases() []phrase {
	if m.forms == nil {
		return []phrase{m.one}
	}
	return slices.Collect(maps.Values(m.forms))
}

// parseTexts reads a catalogue.
func parseTexts(raw []byte) (texts, error) {
	var groups map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &groups); err != nil {
		return nil, err
	}
	all := make(texts)
	for group, entries := range groups {
		for name, raw := range entries {
			m, err := parseMessage(raw)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", group, name, err)
			}
			all[group+"."+name] = m
		}
	}
	return all, nil
}

func parseMessage(raw json.RawMessage) (m message, err error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		m.one, err = parsePhrase(text)
		return m, err
	}
	var counted map[string]string
	if err := json.Unmarshal(raw, &counted); err != nil {
		return m, errors.New("a text is a string, or an object of plural forms")
	}
	m.forms = make(map[plural.Form]phrase)
	for name, text := range counted {
		form, ok := forms[name]
		if !ok {
			return m, fmt.Errorf("%q is not a plural form", name)
		}
		if m.forms[form], err = parsePhrase(text); err != nil {
			return m, err
		}
	}
	if _, ok := m.forms[plural.Other]; !ok {
		return m, errors.New("the plural form other is missing")
	}
	return m, nil
}

// loadTexts reads every catalogue of the files over the texts that are there already, and
// checks it against the English texts: otherwise an argument that no page provides would
// show only when somebody opens that page.
func loadTexts(into map[string]texts, files fs.FS) error {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		tag, err := language.Parse(strings.TrimSuffix(path.Base(name), ".json"))
		if err != nil {
			return fmt.Errorf("%s: the name is not a language, as in fr.json: %w", name, err)
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		found, err := parseTexts(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := found.fit(into["en"]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if into[tag.String()] == nil {
			into[tag.String()] = make(texts)
		}
		maps.Copy(into[tag.String()], found)
	}
	return nil
}

// fit reports an argument that the English text does not have.
func (t texts) fit(english texts) error {
	for id, m := range t {
		original, ok := english[id]
		if !ok {
			continue // a text of the host's own, such as an action's
		}
		known := []string{"Count"}
		for _, p := range original.phrases() {
			known = append(known, p.arguments()...)
		}
		for _, p := range m.phrases() {
			for _, a := range p.arguments() {
				if !slices.Contains(known, a) {
					return fmt.Errorf("%s: there is no argument %s; there are %s", id, a, strings.Join(known[1:], ", "))
				}
			}
		}
	}
	return nil
}
