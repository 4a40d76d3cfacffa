package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

func TestThreeTrips(t *testing.T) {
	var trips service.Trips
	config, err := pgx.ParseConfig(database(t))
	require.NoError(t, err)
	config.DialFunc = trips.Dial
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(1) // so that the statements are prepared once
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := sqlstore.New(db, sqlstore.PostgreSQL)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, service.ThreeTrips(t.Context(), s, &trips))
}
