package transitions_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
)

func TestOf(t *testing.T) {
	dir := t.TempDir()
	write := func(name, source string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("package p\n"+source), 0o600))
	}
	write("a.go", `
type State struct{}
type Other struct{}
type hidden struct{}
func (s State) Next(at int) (State, error)        { return s, nil }
func (s State) Try(at int) (State, Other, error)  { return s, Other{}, nil }
func (s State) Drop(id string) (State, bool)      { return s, false }
func (s *State) UnmarshalJSON(data []byte) error  { return nil }
func Step(after, n int) (step int, err error)     { return after, nil }
func (s State) Clear() State                      { return s }
func (s State) Look() (Other, error)              { return Other{}, nil }
func (s State) quiet() (State, error)             { return s, nil }
func (h hidden) Next() (hidden, error)            { return h, nil }
func Parse(text string) (State, error)            { return State{}, nil }
func Has(text string) bool                        { return false }
func Nothing()                                    {}
`)
	write("a_test.go", `func Test(s State) (State, error) { return s, nil }`)
	names, err := transitions.Of(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"State.Drop", "State.Next", "State.Try", "State.UnmarshalJSON", "Step"}, names)

	write("b.go", `func (`)
	_, err = transitions.Of(dir)
	require.Error(t, err)
}
