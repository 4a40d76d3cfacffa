// Package screen is how the command speaks: results to the standard output as
// a table or as JSON, questions, progress and notes to the standard error.
//
// Text that comes out of a database may have been typed by an attacker. [Clean]
// keeps it from repainting the operator's terminal.
package screen
