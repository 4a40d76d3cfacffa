package command_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/totptest"
)

// The agent speaks the language of the terminal. What scripts read is the same in every
// language.
func TestSpeaksTheTerminalsLanguage(t *testing.T) {
	h := newWorkplace(t)
	h.env["LANG"] = "de_DE.UTF-8"
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone).says("Angemeldet als Ana Soler, Acme Backup GmbH.")
	screen := h.run("setup", ana.Password, ana.Password, "").notes("Um ihn zu entsperren, geben Sie das Passwort von ana@acme.example ein und, wenn das Konto einen zweiten Faktor hat, einen Code.").out
	m := regexp.MustCompile(`Einrichtungsschlüssel in die App ein: ([A-Z2-7 ]+)\n`).FindStringSubmatch(screen)
	require.NotNil(t, m, screen)
	_, err := totptest.TypeSecret(m[1], h.clock)
	require.NoError(t, err)
	h.run("status").ends(command.ExitDone).says("Zustand          gesperrt\n", "Konto            ana@acme.example\n", "in einer Datei, die nur Sie lesen können")
	h.run("nope").ends(command.ExitUsage).notes(`agent: unbekannter Befehl „nope“; -h zeigt die Hilfe`)
	h.run("-x").ends(command.ExitUsage).notes("agent: unbekannte Option")
	h.run("unlock", "wrong").ends(command.ExitRefused).notes("agent: E-Mail-Adresse und Passwort passen nicht zusammen")

	h.env["LC_ALL"] = "es_ES.UTF-8"
	h.run("status").ends(command.ExitDone).says("Estado           bloqueado\n")
	var standing map[string]any
	require.NoError(t, json.Unmarshal([]byte(h.run("status --json").ends(command.ExitDone).out), &standing))
	require.Equal(t, "locked", standing["state"])
	require.Equal(t, "file", standing["kept_in"])
	h.env["LC_ALL"] = "C"
	h.run("status").ends(command.ExitDone).says("State            locked\n")
}

// The help fits a terminal in every language.
func TestHelpFits(t *testing.T) {
	h := newWorkplace(t)
	for _, l := range words.All() {
		h.env["LANG"] = l.Tag()
		for _, line := range strings.Split(h.run("-h").ends(command.ExitDone).out, "\n") {
			require.Less(t, utf8.RuneCountInString(line), 80, line)
		}
		for paragraph := range strings.SplitSeq(strings.TrimSpace(l.Say("agent.usageEnd")), "\n\n") {
			require.NotContains(t, paragraph, "\n", "lines are broken where the terminal ends, and nowhere else")
		}
	}
}

// A terminal breaks a line at its edge. The agent breaks it earlier, between two words.
// Text for a file or a pipe stays on one line.
func TestNoWordIsBroken(t *testing.T) {
	h := newWorkplace(t)
	for tag, width := range map[string]int{"en": 40, "de": 80, "es": 60} {
		h.env["LANG"] = tag
		narrow := func(s *command.System) { s.Size = func() (int, int, error) { return width, 100, nil } }
		w := h.window("signin", narrow)
		w.types(": ", ana.Email)
		w.types(": ", ana.Password)
		seen := w.ends(command.ExitDone)
		w = h.window("setup", narrow)
		w.types(": ", ana.Password)
		w.types(": ", ana.Password)
		w.sees("2026-03-02") // the deadline of the set-up
		_, err := w.keys.Write([]byte{3})
		require.NoError(t, err)
		seen += w.ends(command.ExitFailed)
		for _, line := range strings.FieldsFunc(seen, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if !strings.ContainsAny(line, "▀▄█\x1b") {
				require.LessOrEqual(t, utf8.RuneCountInString(line), width, line)
			}
		}
		h.run("signout").ends(command.ExitDone)
	}
	h.env["LANG"] = "en"
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone).notes("No keyring is available, so the session is stored in a file that only you can read.\n")
}

var (
	used     = regexp.MustCompile(`{{\.(\w+)}}`)
	sentence = regexp.MustCompile(`\p{L}+ \p{L}+`)
	program  = regexp.MustCompile(`(?s)^(replace authenticator|recovery code|phone code|not enrolled|acme-backup.*|acme backup agent|Bearer .*|2006-01-02.*|%.*)$`)
)

// Every text that the agent uses exists, with its arguments, and no text is unused.
func TestTextsAndUses(t *testing.T) {
	raw, err := os.ReadFile("../../internal/words/en.json")
	require.NoError(t, err)
	var all map[string]map[string]any
	require.NoError(t, json.Unmarshal(raw, &all))
	texts, left := all["agent"], map[string]bool{}
	for id := range texts {
		left[id] = !strings.HasPrefix(id, "help-")
	}
	left["host"] = false // used by main
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				id, literal := text(n.Args)
				if !ok || f.Sel.Name != "text" || !literal {
					return true
				}
				require.Contains(t, texts, id)
				var given []string
				for i := 1; i < len(n.Args); i += 2 {
					name, _ := text(n.Args[i:])
					given = append(given, name)
				}
				slices.Sort(given)
				require.Equal(t, arguments(texts[id]), given, id)
				left[id] = false
			case *ast.BasicLit:
				if id, ok := text([]ast.Expr{n}); ok {
					left[id] = false
				}
			}
			return true
		})
	}
	for id, unused := range left {
		require.False(t, unused, "%s: a text that nothing uses", id)
	}
}

// No Go file contains a text of its own. Errors are for the log, and people see a text
// from the catalogue.
func TestFilesHoldNoText(t *testing.T) {
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if f, ok := c.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "New" || f.Sel.Name == "Errorf") {
					return false
				}
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if said, _ := text([]ast.Expr{l}); sentence.MatchString(said) && !program.MatchString(said) {
					require.Failf(t, "a text that is not in the catalogue", "%q", said)
				}
			}
			return true
		})
	}
}

func sources(t *testing.T) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		file.Imports, file.Comments = nil, nil
		files = append(files, file)
	}
	return files
}

// text returns the value of the first expression, if it is a string literal.
func text(args []ast.Expr) (string, bool) {
	if len(args) == 0 {
		return "", false
	}
	l, ok := args[0].(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// arguments returns the names of a text's arguments.
func arguments(entry any) (found []string) {
	raw, _ := json.Marshal(entry)
	for _, m := range used.FindAllStringSubmatch(string(raw), -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}
