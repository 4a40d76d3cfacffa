// Package release runs scripts/release in a copy of the repository, offers what it tagged as a Go module proxy does, and
// installs all of it as a product would: from outside, in an empty module.
package release
