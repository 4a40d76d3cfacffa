// Package race contains rigs that show, on a real database, what one process cannot show:
// processes that race for one record, and a process or a server that is killed while it
// writes. A rig returns its findings, so that a test can show that it fails on a store
// that deserves it.
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
