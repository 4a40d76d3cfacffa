package docs_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

// The section for authors of a store names every part of the contract that they have to
// know, and the case of the suite that holds each claim.
func TestStoreOfYourOwn(t *testing.T) {
	_, section, found := strings.Cut(read(t, filepath.Join(root, "docs", "stores.md")), "\n## A store of your own\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	for _, name := range []string{
		"CheckPut", "AccountID.Validate", "Query.Start", "Query.Selects", "Query.Place", "Place.Cursor", "Page.Next", "Heads", "DueBefore",
		"Counter", "ErrNotFound", "ErrConflict", "ErrNotWritten", "ErrUnavailable", "storetest.Run", "storetest.Damager",
	} {
		require.Contains(t, section, name)
	}
	cases := make(map[string]bool)
	for _, failure := range storetest.Check(t.Context(), func() (store.Store, error) { return nil, errors.New("none") }) {
		cases[failure.Case] = true
	}
	named := regexp.MustCompile(`\*([a-z][a-z\s]*)\*`).FindAllStringSubmatch(section, -1)
	require.Greater(t, len(named), 20)
	for _, m := range named {
		require.Contains(t, cases, strings.Join(strings.Fields(m[1]), " "))
	}
}
