package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// noExample names the packages whose use cannot be shown in an example that runs by
// itself in the root module, with the reason.
var noExample = map[string]string{
	"store/sqlstore": "needs a driver, and the root module requires none: the examples module uses it",
}

// A person who reads the reference finds on every page the purpose of the package, an
// example that is run as a test, and a comment on every symbol.
func TestReference(t *testing.T) {
	for folder, p := range packages(t) {
		t.Run(folder, func(t *testing.T) {
			require.True(t, strings.HasPrefix(p.Doc, "Package "+p.Name+" "), "it has no package comment")
			for _, name := range undocumented(p) {
				t.Errorf("%s has no comment", name)
			}
			internal := strings.Contains("/"+folder+"/", "/internal/")
			_, excused := noExample[folder]
			switch runs := hasExample(p); {
			case excused && runs:
				t.Error("it has an example that runs: take it off noExample")
			case !excused && !runs && !internal && p.Name != "main":
				t.Error("it has no example with an output")
			}
		})
	}
}

// packages returns the packages of the root module by folder.
func packages(t *testing.T) map[string]*doc.Package {
	t.Helper()
	folders := make(map[string][]string)
	for _, path := range files(t, func(path string) bool { return filepath.Ext(path) == ".go" }) {
		if folder := filepath.Dir(path); !nested(folder) {
			folders[folder] = append(folders[folder], path)
		}
	}
	all := make(map[string]*doc.Package)
	for folder, paths := range folders {
		fset := token.NewFileSet()
		var parsed []*ast.File
		for _, path := range paths {
			f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
			require.NoError(t, err)
			parsed = append(parsed, f)
		}
		name, err := filepath.Rel(root, folder)
		require.NoError(t, err)
		p, err := doc.NewFromFiles(fset, parsed, name)
		require.NoError(t, err)
		all[filepath.ToSlash(name)] = p
	}
	require.Contains(t, all, "totp")
	return all
}

// nested reports whether the folder belongs to a module below the root module.
func nested(folder string) bool {
	for ; folder != root; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

func undocumented(p *doc.Package) []string {
	bare := values("", p.Consts, p.Vars)
	bare = append(bare, funcs("", p.Funcs)...)
	for _, typ := range p.Types {
		if typ.Doc == "" {
			bare = append(bare, typ.Name)
		}
		bare = append(bare, values(typ.Name+": ", typ.Consts, typ.Vars)...)
		bare = append(bare, funcs("", typ.Funcs)...)
		bare = append(bare, funcs(typ.Name+".", typ.Methods)...)
	}
	return bare
}

// wellKnown are methods of the standard library's interfaces, which need no explanation.
var wellKnown = []string{
	"Error", "Is", "Unwrap", "String", "GoString", "Format", "LogValue",
	"MarshalText", "UnmarshalText", "MarshalJSON", "UnmarshalJSON", "MarshalBinary", "UnmarshalBinary",
}

func funcs(prefix string, all []*doc.Func) []string {
	var bare []string
	for _, f := range all {
		if f.Doc == "" && f.Level == 0 && (prefix == "" || !slices.Contains(wellKnown, f.Name)) {
			bare = append(bare, prefix+f.Name)
		}
	}
	return bare
}

// values returns the constants and variables without a comment on their group, above them
// or beside them.
func values(prefix string, groups ...[]*doc.Value) []string {
	var bare []string
	for _, v := range slices.Concat(groups...) {
		if v.Doc != "" {
			continue
		}
		for _, spec := range v.Decl.Specs {
			s := spec.(*ast.ValueSpec)
			if s.Doc.Text() == "" && s.Comment.Text() == "" && s.Names[0].IsExported() {
				bare = append(bare, prefix+s.Names[0].Name)
			}
		}
	}
	return bare
}

func hasExample(p *doc.Package) bool {
	all := slices.Clone(p.Examples)
	for _, f := range p.Funcs {
		all = append(all, f.Examples...)
	}
	for _, typ := range p.Types {
		all = append(all, typ.Examples...)
		for _, f := range slices.Concat(typ.Funcs, typ.Methods) {
			all = append(all, f.Examples...)
		}
	}
	return slices.ContainsFunc(all, func(e *doc.Example) bool { return e.Output != "" })
}

// A person who reads the page of the root package sees the steps of a sign-in, and no
// long list. Calls for administrators and operators are in package admin. The methods by
// which tickets do not print, which nobody calls, do not count.
func TestRootExports(t *testing.T) {
	const limit = 70
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	require.NoError(t, err)
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				of, prints := receiverOf(d), d.Name.Name == "Format" || d.Name.Name == "LogValue"
				if d.Name.IsExported() && !prints && (of == "" || ast.IsExported(of)) {
					names = append(names, of+d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if typ, ok := spec.(*ast.TypeSpec); ok && typ.Name.IsExported() {
						names = append(names, typ.Name.Name)
					}
				}
			}
		}
	}
	require.Greater(t, len(names), limit/2, "the count finds the exported functions and types")
	require.LessOrEqual(t, len(names), limit, "exported functions, methods and types: %s", strings.Join(names, " "))
}
