package guard_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/guard"
)

// A panic in the host's code becomes an error that says what and where; an error is
// returned unchanged.
func TestCall(t *testing.T) {
	require.NoError(t, guard.Call(func() error { return nil }))
	down := errors.New("down")
	require.Equal(t, down, guard.Call(func() error { return down }))
	err := guard.Call(func() error { panic("no such template") })
	require.ErrorContains(t, err, "panicked: no such template")
	require.ErrorContains(t, err, "guard_test.go:")
	var missing func() error
	require.ErrorContains(t, guard.Call(missing), "nil pointer")
}
