// Package agent contains tests that use the backup agent of the examples as a person
// does: the program itself, in a real terminal, whose screen is read, and whose QR code
// is read from a picture of it. It has no code of its own.
//
// They need the Debian packages tmux, zbar-tools, gnome-keyring and dbus-daemon.
package agent
