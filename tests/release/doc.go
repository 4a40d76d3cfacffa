// Package release runs scripts/release in a copy of the repository, serves what it tagged
// as a Go module proxy does, and installs all of it as a product would: from outside, in
// an empty module. It compiles everything with each version of Go that a module promises
// and with the newest one; on a busy machine that takes longer than the ten minutes of go
// test, so use go test -timeout 30m ./release.
package release
