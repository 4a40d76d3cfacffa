package redis_test

import (
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/otel"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A store that is cut off moves the metric that operators are told to watch, and once it
// is back the metric shows that too.
func TestCutMovesTheMetric(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	open(t, shared, o)
	cable, err := race.NewCable(shared.Addr())
	require.NoError(t, err)
	defer cable.Close()
	client := redis.NewClient(patient(cable.Addr()))
	defer client.Close()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	reader := metric.NewManualReader()
	seen, err := otel.New(metric.NewMeterProvider(metric.WithReader(reader)), nil)
	require.NoError(t, err)
	service, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: redisstore.New(client, o), Keys: keys,
		Flows: seen, Observer: event.Tee(seen), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	signIn := func() error {
		_, err := service.SignIn(t.Context(), totpflow.User{ID: race.Alice})
		return err
	}

	require.NoError(t, signIn())
	require.Equal(t, map[string]uint64{"ok": 1}, signIns(t, reader))
	<-cable.Arm(race.Fault{}, 0)
	for range 3 {
		require.ErrorIs(t, signIn(), store.ErrUnavailable)
	}
	require.Equal(t, map[string]uint64{"ok": 1, "unavailable": 3}, signIns(t, reader))
	require.True(t, cable.Heal())
	require.NoError(t, signIn())
	require.Equal(t, map[string]uint64{"ok": 2, "unavailable": 3}, signIns(t, reader))
}

// signIns returns how many sign-ins there were by outcome.
func signIns(t *testing.T, reader *metric.ManualReader) map[string]uint64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	counts := make(map[string]uint64)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			data, ok := m.Data.(metricdata.Histogram[float64])
			if !ok || m.Name != "totpflow.flow.duration" {
				continue
			}
			for _, point := range data.DataPoints {
				if flow, _ := point.Attributes.Value(attribute.Key("totpflow.flow")); flow.AsString() == "sign_in" {
					outcome, _ := point.Attributes.Value(attribute.Key("totpflow.outcome"))
					counts[outcome.AsString()] = point.Count
				}
			}
		}
	}
	return counts
}
