// Package command is the operator's command: what somebody on the server does
// to the second factor of a product's accounts, with the database and the keys
// at hand.
//
// [Run] is the whole of it. What the commands print with --json, and the exit
// codes, are described in docs/operations.md and do not change.
//
// # Threats
//
// The operator has the keys and is believed. The command guards against slips and
// against onlookers: keys and passwords of databases come from the environment or
// from files that nobody else can read, never from the command line, and are never
// shown; each change names the person and the reason; a command that changes many
// records only reports what it would do until --yes is given.
package command
