package account

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

// An account that cannot be written is not said to be empty, or tidy.
func TestTidyOfAnAccountThatCannotBeWritten(t *testing.T) {
	at := time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	a := Account{Machine: strings.Repeat("m", maxMachine+1)}
	changed, empty, err := a.Tidy(at, time.Hour)
	require.Error(t, err)
	require.False(t, changed)
	require.False(t, empty)
}

// An issued code with a set or a time is not zero.
func TestIssuedIsZero(t *testing.T) {
	at := time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	_, set := recovery.New(at)
	require.True(t, new(Issued).IsZero())
	require.False(t, (&Issued{Set: set}).IsZero())
	require.False(t, (&Issued{At: at}).IsZero())
}
