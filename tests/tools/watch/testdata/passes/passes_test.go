// Package passes is well behaved. No pattern of the go command finds it; the test
// of package watch names it.
package passes

import "testing"

func TestPasses(t *testing.T) { t.Log("is not shown") }
