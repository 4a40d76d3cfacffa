package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

// Package engine describes what is expected of every server, and how that is tested.

// The guarantees are the same whatever isolation a connection has by default,
// and however the driver asks.
func TestConformance(t *testing.T) {
	for _, parameters := range []string{
		"default_transaction_isolation=read%20committed&default_query_exec_mode=simple_protocol",
		"default_transaction_isolation=repeatable%20read&plan_cache_mode=force_generic_plan",
		"default_transaction_isolation=serializable",
	} {
		t.Run(parameters, func(t *testing.T) {
			t.Parallel() // they wait for the disk, not for each other
			kind.Conformance(t, database(t, parameters))
		})
	}
}

func TestRace(t *testing.T) {
	kind.Race(t, database, "default_transaction_isolation=read%20committed", "default_transaction_isolation=serializable")
}

// It fails, as the race does, on a store that reads, compares and then writes.
func TestService(t *testing.T) {
	kind.Service(t, database(t))

	dsn := database(t)
	bad, _ := open(t, dsn)
	for _, rig := range service.Rigs() {
		_, err := rig.Long().Run(bad, "service-naive", dsn)
		require.Error(t, err, rig.Name)
		t.Logf("PostgreSQL, read and then write: %v", err)
	}
}

// See the rig: no message is lost, whenever the process is killed.
func TestKilledWhileTelling(t *testing.T) { kind.KilledWhileTelling(t, database(t)) }

// See the rig: a notifier in trouble with some people tells all others.
func TestNotifierInTrouble(t *testing.T) { kind.NotifierInTrouble(t, database(t)) }

func TestServiceWalk(t *testing.T) { kind.Walk(t, database(t)) }

func TestClocks(t *testing.T) { kind.Clocks(t, database(t)) }

// The race fails on a store that reads, compares and then writes.
func TestHistoryOfRace(t *testing.T) {
	kind.HistoryOfRace(t, database(t))

	dsn := database(t)
	s, _ := open(t, dsn)
	_, err := history.Race(s, "history-naive", dsn, 20)
	require.ErrorIs(t, err, history.ErrHistory)
}

func TestHistoryOfCuts(t *testing.T) { kind.HistoryOfCuts(t, server, database(t)) }

func TestHistoryOfCrashes(t *testing.T) {
	own := begin(t)
	kind.HistoryOfCrashes(t, own, own.DSN("postgres"), false)
}

func TestCutAnywhere(t *testing.T) { kind.CutAnywhere(t, server, database(t)) }

func TestServerDoesNotAnswer(t *testing.T) {
	own := begin(t)
	kind.DoesNotAnswer(t, own, own.DSN("postgres"))
}
