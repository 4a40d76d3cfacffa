// Package terminal runs programs in a real terminal, presses keys, and looks at
// the screen: as text, and as the picture that a person's camera would take.
//
// The terminal is tmux, of a server of its own. It needs the Debian package tmux.
package terminal
