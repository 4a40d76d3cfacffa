// Package walk holds the whole service against a small model of it, on any
// store. Two people do things in an order that a script of bytes says: they sign
// in, type codes, set phones up, prove, trust browsers, say that it was not them,
// and are helped by an administrator. They do it through two services, each with
// its own connection to one database, while the clock jumps and calls to the
// database fail. All that was ever handed out is tried again at any time, also
// as the other person. Every answer has to be the model's.
//
// It is equipment of tests: the root module walks on [store.Memory]
// (TestServiceWalk, FuzzService), the packages below tests on every adapter with
// its real server. It knows no test library, and says what differs in an error:
//
//	for _, seed := range seeds {
//		met, err := walk.Run(ctx, clock, [2]store.Store{first, second}, walk.Script(seed, 600))
//		...
//	}
package walk
