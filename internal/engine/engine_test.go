package engine

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// Everybody can ask a service for its handle. Only this module can use it: nothing that
// it leads to is exported.
func TestHandleIsOpaque(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[Handle](), reflect.TypeFor[*Handle]()} {
		require.Zero(t, typ.NumMethod(), typ)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Handle]()) {
		require.False(t, f.IsExported(), f.Name)
	}
	e := New(Config{})
	require.Same(t, e, Open(e.Handle()))
	require.Nil(t, Open(Handle{}))
}
