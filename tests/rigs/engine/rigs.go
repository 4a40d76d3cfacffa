package engine

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/clocks"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/paging"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/service"
	"github.com/totpflow/totpflow/tests/rigs/walk"
)

// Race has two processes with 64 goroutines each race for one account: each code is
// accepted exactly once, and a counter ends at the number of successes. The same rigs
// must fail on a store that reads, compares and then writes. database makes an empty
// database whose connections have the parameters.
func (e Engine) Race(t *testing.T, database func(t testing.TB, parameters ...string) string, settings ...string) {
	for _, rig := range race.Rigs(100) {
		for _, parameters := range settings {
			t.Run(rig.Name+", "+parameters, func(t *testing.T) {
				dsn := database(t, parameters)
				s, _ := e.Open(t, dsn)
				saw, err := rig.Run(s, "race", dsn)
				t.Logf("%s, %s, %s: %v", e.Name, rig.Name, parameters, saw)
				require.NoError(t, err)
			})
		}
		t.Run(rig.Name+", naive", func(t *testing.T) {
			dsn := database(t)
			s, _ := e.Open(t, dsn)
			_, err := rig.Run(s, "race-naive", dsn)
			require.Error(t, err)
		})
	}
}

// Service has whole flows of the service race in two processes with 64 goroutines
// each: one code, one recovery code, one enrollment, one trusted browser and one
// budget, at the same moment.
func (e Engine) Service(t *testing.T, dsn string) {
	s, _ := e.Open(t, dsn)
	for _, rig := range service.Rigs() {
		t.Run(rig.Name, func(t *testing.T) {
			saw, err := rig.Run(s, "service", dsn)
			t.Logf("%s, %s: %v", e.Name, rig.Name, saw)
			require.NoError(t, err)
		})
	}
}

// KilledWhileTelling kills processes between the write of an account, the call of the
// notifier and the write that notes it.
func (e Engine) KilledWhileTelling(t *testing.T, dsn string) {
	s, _ := e.Open(t, dsn)
	told, err := notify.Kill(t.Context(), s, "notify", dsn, race.Rounds(2, 20))
	t.Logf("%s: told %v", e.Name, told)
	require.NoError(t, err)
}

// NotifierInTrouble has a notifier that fails, hangs, panics or refuses for good.
func (e Engine) NotifierInTrouble(t *testing.T, dsn string) {
	s, _ := e.Open(t, dsn)
	require.NoError(t, notify.Trouble(t.Context(), s))
}

// Walk has two services with a pool each on one database do what the model of the
// whole service says, whatever two people do in whatever order, while calls to
// the database fail and the clock jumps.
func (e Engine) Walk(t *testing.T, dsn string) {
	first, db := e.Open(t, dsn)
	second, _ := e.Open(t, dsn)
	seeds, err := walk.Seeds(race.Rounds(6, 400))
	require.NoError(t, err)
	met, err := walk.Many(t.Context(), seeds, func() ([2]store.Store, error) {
		return [2]store.Store{first, second}, Clear(t.Context(), db)
	})
	require.NoError(t, err)
	t.Logf("%s, %d walks from seed %d on: %v", e.Name, len(seeds), seeds[0], met)
}

// Clocks has the service's clock jump, and pass the seconds at which numbers of 32 bits
// end: nobody gets in who should not, and everybody does when it is right again.
func (e Engine) Clocks(t *testing.T, dsn string) {
	s, _ := e.Open(t, dsn)
	seen, err := clocks.Live(t.Context(), s, clocks.NewClock())
	require.NoError(t, err)
	t.Logf("%s: %v", e.Name, seen)
}

// ListToTheEnd checks that every record of a list comes once and in order, in memory that
// does not grow, for one tenant and for all. fill makes n records.
func (e Engine) ListToTheEnd(t *testing.T, dsn string, fill func(t *testing.T, db *sql.DB, n int)) {
	n := race.Rounds(100_000, 1_000_000)
	s, db := e.Open(t, dsn)
	fill(t, db, n)
	for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}} {
		seen, err := paging.Through(t.Context(), s, q, n)
		require.NoError(t, err)
		t.Logf("%s: %v", e.Name, seen)
	}
}

// Counts checks the counts of 100,000 records, of which one in 47 is in state "reset" and
// one in ten belongs to tenant "beta".
func (e Engine) Counts(t *testing.T, s *sqlstore.Store) {
	const n = 100_000
	for q, want := range map[store.Query]map[string]int{
		{AllTenants: true}: {"reset": n / 47, "active": n - n/47},
		{Tenant: "beta"}:   {"reset": n / 470, "active": n/10 - n/470},
		{Tenant: "nobody"}: {},
	} {
		began := time.Now()
		got, err := store.Count(t.Context(), s, q)
		require.NoError(t, err)
		require.Equal(t, want, got)
		t.Logf("%s: counts of %+v in %v", e.Name, q, time.Since(began))
	}
}

// CutAnywhere has the connection break off, or go silent, anywhere in a verification:
// before the write was sent, or when only its acknowledgement is lost. One code is never
// accepted twice, and no call succeeds that did not write. dsn is a database of the
// server's.
//
// The rig fails on a store that takes a missing answer for success.
func (e Engine) CutAnywhere(t *testing.T, server Server, dsn string) {
	s, _ := e.Open(t, dsn)
	require.NoError(t, race.Step(t.Context(), s))
	cable, through := wire(t, server, dsn)

	apart := race.Rounds(5, 1) // bytes from one cut to the next
	cuts, err := race.Cut(s, cable, e.Opener(e.Honest), through, apart)
	t.Logf("%s, cut anywhere: %d cuts, %d bytes from one to the next", e.Name, cuts, apart)
	require.NoError(t, err)
	require.Greater(t, cuts, 100)

	_, err = race.Cut(s, cable, e.Opener(func(db *sql.DB) store.Store { return race.Hopeful{Store: e.Honest(db)} }), through, 5)
	require.Error(t, err)
}

// wire puts a cable between the server and every client that opens the database by the
// name that it returns.
func wire(t *testing.T, server Server, dsn string) (*race.Cable, string) {
	cable, err := race.NewCable(server.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cable.Close()) })
	return cable, strings.Replace(dsn, server.Addr(), cable.Addr(), 1)
}

// HistoryOfRace checks that one order of all requests of two processes, about one record
// and one account, explains the answers that they got.
func (e Engine) HistoryOfRace(t *testing.T, dsn string) {
	s, _ := e.Open(t, dsn)
	saw, err := history.Race(s, "history", dsn, race.Rounds(10, 200))
	t.Logf("%s, history of a race: %v", e.Name, saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Refused)
}

// HistoryOfCuts is the same with a connection that breaks off, or goes silent, anywhere:
// a process without an answer may have written, or not, or still will.
func (e Engine) HistoryOfCuts(t *testing.T, server Server, dsn string) {
	s, _ := e.Open(t, dsn)
	cable, through := wire(t, server, dsn)
	saw, err := history.Cut(s, cable, e.Opener(e.Honest), through, race.Rounds(61, 5))
	t.Logf("%s, history of cuts: %v", e.Name, saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Unavailable)
}

// HistoryOfCrashes is the same with a server that is killed and started again. If the
// server shows a commit before it is durable, a write that was seen, but that had not
// been acknowledged by then, may be gone.
func (e Engine) HistoryOfCrashes(t *testing.T, server Server, dsn string, early bool) {
	s, _ := e.Open(t, dsn)
	saw, err := history.Crash(s, server, race.Rounds(2, 40), early)
	t.Logf("%s, history of crashes: %v", e.Name, saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Successes)
}

// DoesNotAnswer checks that a frozen server, or one that is gone, lets nobody in and
// holds nobody up; when it is back, everything works again.
func (e Engine) DoesNotAnswer(t *testing.T, server Server, dsn string) {
	s, _ := e.Open(t, dsn)
	require.NoError(t, race.Step(t.Context(), s))

	require.NoError(t, server.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := race.Step(ctx, s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, server.Resume(), "until here nobody could answer")
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, uint64(2), Stored(t, s), "the read was not answered, so nothing was written")

	require.NoError(t, server.Kill())
	require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
	_, err = s.Get(t.Context(), race.Alice)
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, s.Migrate(t.Context()), store.ErrUnavailable)
	require.NoError(t, server.Start())
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, uint64(3), Stored(t, s))
}
