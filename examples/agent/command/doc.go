// Package command is the backup agent without the terminal and the system's keyring,
// which are passed to [Run].
//
// The agent is unlocked only while it runs. Between two runs it keeps its data in a
// vault (package applock). The server has the value that opens the vault, and returns
// it for password and code, so the disk and the keyring hold only ciphertext. The
// unattended job needs none of this. It runs under a machine account, whose key is in
// a file of mode 0600, because at night nobody is there to open a keyring.
//
// No secret is read from the command line, which every user of a machine can see. No
// secret is printed, except those that an enrollment shows once.
package command
