package command

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

// An operator reads whether the change was made: "perhaps" tells them to check, and is
// said only if nobody knows.
func TestFailureOfTheDatabase(t *testing.T) {
	id := store.AccountID{Tenant: "acme", User: "ana"}
	open := fmt.Errorf("%w: write: the connection broke", store.ErrUnavailable)
	sure := fmt.Errorf("%w: write: %w: the file is busy", store.ErrUnavailable, store.ErrNotWritten)
	require.ErrorContains(t, explainChange(id, open), "the database failed, and the change may or may not have taken place: ")
	require.ErrorContains(t, explainChange(id, sure), "the database failed, and nothing was changed: ")
	for _, err := range []error{open, sure} {
		require.ErrorIs(t, explainChange(id, err), err)
		require.Equal(t, "the database failed: "+err.Error(), explain(id, err).Error(), "a look changes nothing")
	}
	refusal := errors.New("no")
	require.ErrorIs(t, explainChange(id, refusal), refusal)
	require.NoError(t, explainChange(id, nil))
}
