// Package hangs has a test that never ends. No pattern of the go command finds it;
// the test of package watch names it.
package hangs

import "testing"

func TestHangs(t *testing.T) {
	t.Run("in a subtest", func(*testing.T) { waitsForNobody() })
}

//go:noinline
func waitsForNobody() { <-make(chan int) }
