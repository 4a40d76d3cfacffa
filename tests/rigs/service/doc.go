// Package service contains rigs that race whole flows of totpflow.Service on a real
// database: two processes with 64 goroutines each use one code, one recovery code, one
// enrollment, one trusted browser or one budget at the same moment. A rig returns its
// findings, so that a test can show that it fails on a store that deserves it.
//
// The children of package race play [Replica]. Their clock and their keys are the
// parent's: both come with the orders.
//
//	func TestMain(m *testing.M) {
//		race.Main(map[string]race.Role{"service": service.Replica(open)})
//		os.Exit(m.Run())
//	}
//
//	func TestService(t *testing.T) {
//		for _, rig := range service.Rigs() {
//			figures, err := rig.Run(s, "service", dsn)
//			…
//		}
//	}
package service
