// Package canary looks for secrets where none may be: in the output of a service
// (returned values, errors, logs, events), in the logs of a database server, and in the
// database and its files.
//
// [Live] leads the life of some accounts on a store and remembers everything that only
// its owner may have. A test then takes the server apart, and [Life.Find] searches the
// pieces:
//
//	life, err := canary.Live(ctx, store)
//	require.NoError(t, err)
//	require.Empty(t, life.Find(append(dump(t), life.Said())...))
//
// A search that finds nothing proves something only if it would find a secret:
// [Life.Plant] writes secrets as a careless program would, and afterwards they must be
// found in the same places.
package canary
