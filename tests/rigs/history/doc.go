// Package history writes down what every process asked of a store, or of a service over
// it, and the answers, and asks a checker whether one order of all requests explains
// them: whether the store is linearizable, as the contract of package store demands, and
// whether the codes of an account are.
//
// An operation whose answer is an error that decides nothing has taken place, or has not,
// or still will. The histories are those of a race between two processes, of a connection
// that is cut anywhere, and of a process or a server that is killed.
package history
