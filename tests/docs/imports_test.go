package docs_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/totpflow/totpflow"

// A nested module has a version of its own, and so may meet another version of the root's
// internal packages than it was written for. If it needs something from them, every host
// does: give it public API.
func TestNestedModulesUsePublicAPI(t *testing.T) {
	for path, imports := range imported(t, func(path string) bool { return nested(filepath.Dir(path)) }) {
		for _, of := range imports {
			require.False(t, strings.HasPrefix(of, module+"/internal/"), "%s imports %s", path, of)
		}
	}
}

// servicetest is the equipment of the root's and of admin's tests, and wiretest
// that of the packages that are stored: nothing but tests may import them.
const (
	servicetest = module + "/internal/servicetest"
	wiretest    = module + "/internal/wire/wiretest"
)

// upper are the packages above internal, with what lies below them.
var upper = []string{module, module + "/admin", module + "/totphttp", module + "/totptest", servicetest}

// Imports point down: nothing in internal imports what is built on it.
func TestInternalPackagesImportDown(t *testing.T) {
	inner, rest := filepath.Join(root, "internal"), imported(t, func(path string) bool {
		return !nested(filepath.Dir(path)) && !strings.HasSuffix(path, "_test.go")
	})
	found := 0
	for path, imports := range rest {
		require.NotContains(t, imports, servicetest, path)
		require.NotContains(t, imports, wiretest, path)
		rel, err := filepath.Rel(inner, path)
		require.NoError(t, err)
		if strings.HasPrefix(rel, "..") || filepath.Dir(rel) == filepath.Base(servicetest) {
			continue
		}
		found++
		for _, of := range imports {
			require.NotContains(t, upper, of, path)
		}
	}
	require.NotZero(t, found)
}

// imported returns the imports of the Go files that keep selects.
func imported(t *testing.T, keep func(path string) bool) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, path := range files(t, func(path string) bool { return filepath.Ext(path) == ".go" && keep(path) }) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		found[path] = []string{}
		for _, spec := range f.Imports {
			of, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			found[path] = append(found[path], of)
		}
	}
	return found
}
