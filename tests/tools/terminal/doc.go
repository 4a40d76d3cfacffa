// Package terminal runs programs in a real terminal, presses keys, and reads the screen:
// as text, and as the picture that a person's camera would take.
//
// The terminal is tmux, with a server of its own. It needs the Debian package tmux.
package terminal
