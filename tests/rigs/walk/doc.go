// Package walk compares the whole service with a small model of it, on any store. Two
// people do things in an order that a script of bytes says: they sign in, type codes, set
// phones up, prove, trust browsers, say that it was not them, and are helped by an
// administrator. They do it through two services, each with its own connection to one
// database, while the clock jumps and calls to the database fail. Everything that was
// ever handed out is tried again at any time, also as the other person. Every answer must
// be the model's.
//
// Its own tests walk on [store.Memory] (TestServiceWalk, FuzzService), those in
// tests/databases on every adapter with its real server. It uses no test library, and
// returns a difference as an error:
//
//	seeds, err := walk.Seeds(race.Rounds(16, 3000))
//	require.NoError(t, err)
//	met, err := walk.Many(t.Context(), seeds, func() ([2]store.Store, error) { ... })
//	require.NoError(t, err)
//	t.Logf("%d walks from seed %d on: %v", len(seeds), seeds[0], met)
//
// The error names the seed; TOTPFLOW_WALK=seed walks it again.
package walk
