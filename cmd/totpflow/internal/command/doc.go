// Package command is the operator's command: what somebody on the server does
// to the second factor of a product's accounts, with the database and the keys
// at hand.
//
// [Run] is the whole of it. What the commands print with --json, and the exit
// codes, are described in docs/operations.md and do not change.
//
// # Threats
//
// The operator has the keys and is believed. What the command guards against is
// a slip, and others who look on: keys and passwords of databases come from the
// environment or from files that nobody else can read, never from the command
// line, and are never shown; changes name who and why; what changes many
// records is only told until --yes is given.
package command
