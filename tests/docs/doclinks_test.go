package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docLink is [Name], [Type.Method], [package.Name] or [package.Type.Method] in a comment.
var docLink = regexp.MustCompile(`\[\*?((?:[a-z]\w*\.)?[A-Z]\w*(?:\.[A-Z]\w*)?)\]`)

// A link in a comment leads to a symbol, as links in pages do. A broken one is plain text
// on pkg.go.dev, and mostly a name that has changed.
func TestDocLinks(t *testing.T) {
	known := symbols(t)
	require.Contains(t, known["totpflow"], "Service.SignIn")
	seen := 0
	for _, path := range library(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		var bad []string
		for _, group := range file.Comments {
			for line := range strings.Lines(group.Text()) {
				if strings.HasPrefix(line, "\t") { // code
					continue
				}
				for _, m := range docLink.FindAllStringSubmatch(line, -1) {
					of, name := file.Name.Name, m[1]
					if at := strings.IndexByte(name, '.'); at > 0 && name[0] >= 'a' {
						of, name = name[:at], name[at+1:]
					}
					if all, ours := known[of]; ours {
						seen++
						if !all[name] {
							bad = append(bad, "no such symbol: ["+m[1]+"]")
						}
					}
				}
			}
		}
		complain(t, path, bad)
	}
	require.Greater(t, seen, 500)
}

// library returns the Go files of packages that products use, without tests.
func library(t *testing.T) []string {
	return files(t, func(path string) bool {
		return filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") &&
			!strings.HasPrefix(path, filepath.Join(root, "examples")) && !strings.HasPrefix(path, filepath.Join(root, "tests"))
	})
}

// symbols returns the exported names of each package: functions, types, variables,
// constants, methods and fields.
func symbols(t *testing.T) map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for _, path := range library(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		of := all[file.Name.Name]
		if of == nil {
			of = make(map[string]bool)
			all[file.Name.Name] = of
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				of[receiverOf(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					declared(spec, of)
				}
			}
		}
	}
	return all
}

func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

func declared(spec ast.Spec, of map[string]bool) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			of[name.Name] = true
		}
	case *ast.TypeSpec:
		of[s.Name.Name] = true
		var fields *ast.FieldList
		switch typ := s.Type.(type) {
		case *ast.StructType:
			fields = typ.Fields
		case *ast.InterfaceType:
			fields = typ.Methods
		default:
			return
		}
		for _, field := range fields.List {
			for _, name := range field.Names {
				of[s.Name.Name+"."+name.Name] = true
			}
		}
	}
}
