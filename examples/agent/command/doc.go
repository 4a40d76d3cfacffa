// Package command is the backup agent, apart from the terminal and the system's
// keyring, which [Run] is given.
//
// The agent is open as long as it runs. Between two runs it keeps its data in a
// vault (package applock). The server has the value that opens the vault, and
// returns it for password and code: on the disk, and in the keyring, there is only
// ciphertext. The unattended job needs none of it. It runs under a machine account,
// whose key is in a file of mode 0600: at night nobody is there to open a keyring.
//
// No secret is taken from the command line, which everybody on a machine can
// read, and none is printed, apart from what an enrollment shows once.
package command
