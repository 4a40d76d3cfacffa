package mariadb_test

import "testing"

// Package engine describes what is expected of every server, and how that is tested.

// The guarantees are the same whatever isolation a connection has by default,
// however the server counts rows, and however the driver asks.
func TestConformance(t *testing.T) {
	for _, parameters := range []string{
		"tx_isolation=%27READ-COMMITTED%27&clientFoundRows=true&interpolateParams=true",
		"tx_isolation=%27REPEATABLE-READ%27&clientFoundRows=true",
		"tx_isolation=%27REPEATABLE-READ%27&innodb_snapshot_isolation=ON",
		"tx_isolation=%27SERIALIZABLE%27&charset=latin1",
	} {
		t.Run(parameters, func(t *testing.T) {
			t.Parallel() // they wait for the disk, not for each other
			kind.Conformance(t, database(t, parameters))
		})
	}
}

func TestRace(t *testing.T) {
	kind.Race(t, database, "clientFoundRows=true", "tx_isolation=%27SERIALIZABLE%27")
}

func TestService(t *testing.T) { kind.Service(t, database(t)) }

// See the rig: no message is lost, whenever the process is killed.
func TestKilledWhileTelling(t *testing.T) { kind.KilledWhileTelling(t, database(t)) }

// See the rig: a notifier in trouble with some people tells all others.
func TestNotifierInTrouble(t *testing.T) { kind.NotifierInTrouble(t, database(t)) }

func TestServiceWalk(t *testing.T) { kind.Walk(t, database(t)) }

func TestClocks(t *testing.T) { kind.Clocks(t, database(t)) }

func TestHistoryOfRace(t *testing.T) { kind.HistoryOfRace(t, database(t)) }

func TestHistoryOfCuts(t *testing.T) { kind.HistoryOfCuts(t, server, database(t)) }

// Without the last argument the checker finds that InnoDB shows commits too early.
func TestHistoryOfCrashes(t *testing.T) {
	own := begin(t)
	kind.HistoryOfCrashes(t, own, own.DSN("mysql"), true)
}

func TestCutAnywhere(t *testing.T) { kind.CutAnywhere(t, server, database(t)) }

func TestServerDoesNotAnswer(t *testing.T) {
	own := begin(t)
	kind.DoesNotAnswer(t, own, own.DSN("mysql"))
}
