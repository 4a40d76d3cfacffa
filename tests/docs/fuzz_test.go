package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// outside matches the names of functions that take text or bytes that others have
// written.
var outside = regexp.MustCompile(`^(Parse|Read|Decode|Unmarshal|Open|Normalize|Verify|Derive)`)

// fuzzedElsewhere are functions that no fuzz target of their package names, with
// the reason.
var fuzzedElsewhere = map[string]string{
	"cmd/totpflow/internal/keyfile: ReadPrivate": "what it reads goes through Open",
	"examples/console/app: Open":                 "the path of a database, which the operator names",
	"internal/wire/wiretest: Read":               "is itself for tests: package wire has the fuzz targets",
	"totptest/qrscan: Decode":                    "reads the pictures of tests, by another module's decoder",
	"totptest/qrscan: DecodeImage":               "reads the pictures of tests, by another module's decoder",
}

// Every function that reads what somebody else may have written has a fuzz target in its
// own package that calls it, so that nobody adds a parser without one.
func TestEveryParserIsFuzzed(t *testing.T) {
	type pack struct {
		readers []string
		named   map[string]bool // by its fuzz targets
	}
	all := make(map[string]*pack)
	for _, path := range files(t, func(path string) bool { return filepath.Ext(path) == ".go" }) {
		rel, err := filepath.Rel(root, path)
		require.NoError(t, err)
		folder := filepath.ToSlash(filepath.Dir(rel))
		if folder == "tests" || strings.HasPrefix(folder, "tests/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		if all[folder] == nil {
			all[folder] = &pack{named: make(map[string]bool)}
		}
		p := all[folder]
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case strings.HasSuffix(path, "_test.go"):
				if strings.HasPrefix(f.Name.Name, "Fuzz") {
					words(f.Body, p.named)
				}
			case outside.MatchString(f.Name.Name) && takesText(f.Type) && ast.IsExported(receiver(f, f.Name.Name)):
				p.readers = append(p.readers, strings.TrimPrefix(receiver(f, "")+"."+f.Name.Name, "."))
			}
		}
	}
	met := 0
	for folder, p := range all {
		for _, reader := range p.readers {
			met++
			name := folder + ": " + reader
			_, excused := fuzzedElsewhere[name]
			typ, method, _ := strings.Cut(reader, ".")
			fuzzed := p.named[reader] || p.named[method] || strings.HasPrefix(method, "Unmarshal") && p.named[typ] && p.named["Unmarshal"]
			switch {
			case excused && fuzzed:
				t.Errorf("%s has a fuzz target: take it off fuzzedElsewhere", name)
			case !excused && !fuzzed:
				t.Errorf("%s has no fuzz target in its package that calls it", name)
			}
			delete(fuzzedElsewhere, name)
		}
	}
	require.Greater(t, met, 40)
	require.Empty(t, fuzzedElsewhere, "these are not there")
}

// words collects the identifiers of a function.
func words(body *ast.BlockStmt, into map[string]bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			into[id.Name] = true
		}
		return true
	})
}

// receiver returns the type that a method belongs to, or otherwise for a function.
func receiver(f *ast.FuncDecl, otherwise string) string {
	if f.Recv == nil {
		return otherwise
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name
	}
	return otherwise
}

// takesText reports whether a parameter is text, bytes or a reader.
func takesText(f *ast.FuncType) bool {
	return slices.ContainsFunc(f.Params.List, func(p *ast.Field) bool {
		typ := p.Type
		if list, ok := typ.(*ast.Ellipsis); ok {
			typ = list.Elt
		}
		if list, ok := typ.(*ast.ArrayType); ok {
			typ = list.Elt
		}
		switch typ := typ.(type) {
		case *ast.Ident:
			return slices.Contains([]string{"string", "byte", "Challenge", "Proof", "EnrollmentToken", "Disown"}, typ.Name)
		case *ast.SelectorExpr:
			return typ.Sel.Name == "Reader" || typ.Sel.Name == "Image"
		}
		return false
	})
}
