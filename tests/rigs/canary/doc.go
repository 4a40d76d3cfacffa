// Package canary looks for secrets where none may be: in what a service says
// (returned values, errors, logs, events), in what a database server logs, and in
// what lies in the database and in its files.
//
// [Live] leads the life of some accounts on a store and remembers everything that
// only its owner may have. A test then takes the server apart, and has [Life.Find]
// search the pieces:
//
//	life, err := canary.Live(ctx, store)
//	require.NoError(t, err)
//	require.Empty(t, life.Find(append(dump(t), life.Said())...))
//
// A search that finds nothing proves something only if it would have found it:
// [Life.Plant] writes secrets as a careless program would, after which the same
// places have them.
package canary
