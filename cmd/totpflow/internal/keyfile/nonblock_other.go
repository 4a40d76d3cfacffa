//go:build !unix

package keyfile

// nonblock is not needed: a path does not name a pipe here.
const nonblock = 0
