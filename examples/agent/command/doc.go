// Package command is the backup agent, apart from the terminal and the system's
// keyring, which [Run] is given.
//
// The agent is open as long as it runs. What it keeps between two runs is in a
// vault (package applock), and the value that opens the vault is the server's,
// for password and code: on the disk, and in the keyring, there is ciphertext.
// The unattended job needs none of it. It runs under a machine account, whose key
// lies in a file of mode 0600: at night nobody is there to open a keyring.
//
// No secret is taken from the command line, which everybody on a machine can
// read, and none is printed, apart from what an enrollment shows once.
package command
