package sqlite_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/totptest"
)

// A whole second step, SignIn and VerifyCode, over SQLite with synchronous=FULL
// beside the store in memory: what durability costs, as a ratio in one run. The
// reads and writes of each verification are counted by a store in between.
func BenchmarkSignIn(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkSignIn(b, store.NewMemory()) })
	b.Run("sqlite", func(b *testing.B) { benchmarkSignIn(b, benchStore(b)) })
}

func benchmarkSignIn(b *testing.B, s store.Store) {
	ctx := context.Background()
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	counting := totptest.Wrap(s)
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(b, err)
	mfa, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: counting, Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	require.NoError(b, err)
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	next, err := mfa.SignIn(ctx, ana)
	require.NoError(b, err)
	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	require.NoError(b, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	require.NoError(b, err)
	_, err = mfa.ConfirmEnrollment(ctx, page.Token, phone.Code())
	require.NoError(b, err)

	var total totptest.Counts
	b.ReportAllocs()
	for b.Loop() {
		next, err := mfa.SignIn(ctx, ana)
		require.NoError(b, err)
		counting.Reset()
		_, err = mfa.VerifyCode(ctx, next.Challenge, phone.Code())
		require.NoError(b, err)
		n := counting.Counts()
		total.Get += n.Get
		total.Put += n.Put
	}
	b.ReportMetric(float64(total.Get)/float64(b.N), "reads/verification")
	b.ReportMetric(float64(total.Put)/float64(b.N), "writes/verification")
}

func benchStore(b *testing.B) store.Store {
	db, err := modernc.dial(filepath.Join(b.TempDir(), "bench.db"), wal)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	s := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(b, s.Migrate(context.Background()))
	return s
}
