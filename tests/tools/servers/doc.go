// Package servers starts private database servers for tests: on a free port of the
// loopback interface, in a folder of their own, as a user without rights if the tests run
// as root. They end with the test binary, however that ends.
//
// A test package starts one server, in TestMain, and each test takes a database
// of its own in it:
//
//	func TestMain(m *testing.M) { os.Exit(run(m)) }
//
//	func run(m *testing.M) int {
//		s, err := servers.StartPostgreSQL()
//		if err != nil {
//			fmt.Fprintln(os.Stderr, err)
//			return 1
//		}
//		defer s.Close()
//		return m.Run()
//	}
//
// Tests that kill or freeze a server start one for themselves.
package servers
