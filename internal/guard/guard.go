// Package guard calls the host's code.
package guard

import (
	"fmt"
	"runtime/debug"
)

// Call calls the host's code and returns its error. A panic is an error too, with its
// value and its place: a template that fails on one event must not fail the flow of the
// person whom it is about.
func Call(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the host's code panicked: %v\n\n%s", p, debug.Stack())
		}
	}()
	return call()
}
