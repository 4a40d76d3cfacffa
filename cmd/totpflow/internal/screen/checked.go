package screen

import "io"

// A Checked writer remembers the first error of another writer, for callers that print
// with fmt or log, which ignore errors. It is not safe for concurrent use.
type Checked struct {
	w   io.Writer
	err error
}

// Check returns a writer to w without an error so far.
func Check(w io.Writer) *Checked { return &Checked{w: w} }

func (c *Checked) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// Err returns the first error.
func (c *Checked) Err() error { return c.err }
