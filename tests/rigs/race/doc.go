// Package race holds rigs that show, on a real database, what one process
// cannot: processes that race for one record, a process that is killed while it
// writes, and a server that is. A rig returns what it found, so that a test can
// show that it goes red on a store that deserves it.
//
// Children are the test binary itself in another [Role]. TestMain calls [Main]
// before anything else:
//
//	func TestMain(m *testing.M) {
//		race.Main(map[string]race.Role{"race": race.Racer(open)})
//		os.Exit(m.Run())
//	}
//
//	func TestRace(t *testing.T) {
//		require.NoError(t, race.Consume(s, "race", dsn, 200))
//	}
package race
