//go:build unix

package command

import (
	"io/fs"
	"os"
	"syscall"
)

// mine reports whether a file belongs to the user that this program runs as.
func mine(info fs.FileInfo) bool {
	of, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(of.Uid) == os.Geteuid()
}

// others returns which of these permissions other users have.
func others(info fs.FileInfo, of fs.FileMode) fs.FileMode { return info.Mode().Perm() & of & 0o077 }
