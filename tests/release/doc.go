// Package release runs scripts/release in a copy of the repository, offers what it tagged as a Go module proxy does, and
// installs all of it as a product would: from outside, in an empty module. It compiles everything for each version of Go
// that a module promises and for the newest one; on a busy machine that takes longer than the ten minutes of go test, so
// say go test -timeout 30m ./release.
package release
