//go:build !unix

package command

import "io/fs"

// mine is left to the system's lists of who may do what, which say more than a mode.
func mine(fs.FileInfo) bool { return true }

func others(fs.FileInfo, fs.FileMode) fs.FileMode { return 0 }
