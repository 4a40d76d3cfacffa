// Package transitions finds the calls of a package whose result replaces a
// state, for tests that go through all of them.
//
// A caller writes `state, err = state.Next(…)`, stores the state and looks at
// the error afterwards, or never. With an error such a call must therefore
// return the state that it was given: a zero value would be a fresh account, a
// fresh budget, or a code that can be used once more.
package transitions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// Of returns the exported functions and methods of the package in dir, such as
// "Set.Redeem", that return an error or a bool last and, before it, a value of
// the receiver's type or of an argument's. Methods that decode into their
// receiver are among them.
func Of(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return nil, err
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && replaces(fn) {
				names = append(names, nameOf(fn))
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// nameOf returns "Type.Method" or "Function".
func nameOf(fn *ast.FuncDecl) string {
	if receiver := typesOf(fn.Recv); len(receiver) == 1 {
		return receiver[0] + "." + fn.Name.Name
	}
	return fn.Name.Name
}

func replaces(fn *ast.FuncDecl) bool {
	given, results := typesOf(fn.Recv), typesOf(fn.Type.Results)
	if !fn.Name.IsExported() || len(given) > 0 && !ast.IsExported(given[0]) || len(results) == 0 {
		return false
	}
	if len(given) > 0 && strings.HasPrefix(fn.Name.Name, "Unmarshal") {
		return true
	}
	if last := results[len(results)-1]; last != "error" && last != "bool" {
		return false
	}
	given = append(given, typesOf(fn.Type.Params)...)
	return slices.ContainsFunc(results[:len(results)-1], func(t string) bool { return slices.Contains(given, t) })
}

// typesOf returns the types of a list of fields, one for each name, without the
// star of a pointer.
func typesOf(list *ast.FieldList) (names []string) {
	if list == nil {
		return nil
	}
	for _, field := range list.List {
		for range max(1, len(field.Names)) {
			names = append(names, strings.TrimPrefix(types.ExprString(field.Type), "*"))
		}
	}
	return names
}
