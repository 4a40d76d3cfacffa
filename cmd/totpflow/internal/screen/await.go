package screen

import "context"

// Await returns what read returns, or the error of ctx when that ends first. A read
// from a terminal or a pipe takes as long as its other side wants, and nothing
// but the end of the process stops it: read goes on after an interruption, so it
// must change nothing, and the process has to end.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
