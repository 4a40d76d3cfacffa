// Package command is the operator's command: it manages the second factor of a product's
// accounts on the server, with access to the database and the keys.
//
// [Run] is the only call. The output with --json and the exit codes are described in
// docs/operations.md and do not change.
//
// # Threats
//
// The operator has the keys and is trusted. The command guards against mistakes and
// onlookers: keys and passwords of databases come from the environment or from files that
// nobody else can read, never from the command line, and are never shown; each change
// names the person and the reason; a command that changes many records only reports what
// it would do until --yes is given.
package command
