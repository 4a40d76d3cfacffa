package totptest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

const uri = "otpauth://totp/Acme:ana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme"

func phone(t *testing.T) (*totptest.Authenticator, *totptest.Clock, totp.Key) {
	t.Helper()
	clock := totptest.NewClock(time.Unix(59, 0))
	a, err := totptest.ScanURI(uri, clock)
	require.NoError(t, err)
	key, _, err := totp.ParseURI(uri)
	require.NoError(t, err)
	return a, clock, key
}

// RFC 6238 appendix B, cut to six digits.
func TestCode(t *testing.T) {
	a, clock, _ := phone(t)
	require.Equal(t, "287082", a.Peek())
	require.Equal(t, "287082", a.Code())
	require.Equal(t, time.Unix(59, 0), clock.Now())
	require.Equal(t, totp.Label{Issuer: "Acme", Account: "ana"}, a.Label())
}

// A used code is never given again: the phone waits, as a person does, and no
// longer than needed.
func TestNeverTheSameCodeTwice(t *testing.T) {
	a, clock, key := phone(t)
	seen := map[totp.Step]bool{}
	for range 100 {
		code := a.Code()
		step := key.Step(clock.Now())
		require.False(t, seen[step])
		seen[step] = true
		want, err := key.Code(clock.Now())
		require.NoError(t, err)
		require.Equal(t, want, code)
	}
	require.Equal(t, time.Unix(60+98*30, 0), clock.Now())
	clock.Advance(-time.Hour) // a clock set back: the phone waits for the hour
	a.Code()
	require.Equal(t, time.Unix(60+99*30, 0), clock.Now())
}

// At 09:00:00 and 09:00:30 this key shows the same code, and [totp.Key.Verify] takes it
// for the later one: the phone leaves out the first, since the second would then be
// "used".
func TestTwoStepsWithOneCode(t *testing.T) {
	nine := time.Date(2026, 2, 23, 9, 0, 0, 0, time.UTC)
	clock := totptest.NewClock(nine)
	phone, err := totptest.TypeSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", clock)
	require.NoError(t, err)
	require.Equal(t, "963181", phone.Peek())
	key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{})
	require.NoError(t, err)
	var last totp.Step
	for range 3 {
		code := phone.Code()
		last, err = key.Verify(code, clock.Now(), last, totp.Standard())
		require.NoError(t, err)
	}
	require.Equal(t, nine.Add(90*time.Second), clock.Now())

	clock.Set(nine)
	phone, err = totptest.TypeSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", clock)
	require.NoError(t, err)
	first, second := phone.Pair()
	require.Equal(t, first, second)
	_, err = key.VerifyPair(first, second, clock.Now(), 0, totp.Standard())
	require.NoError(t, err)
}

func TestPairIsConsecutive(t *testing.T) {
	a, clock, key := phone(t)
	a.Code()
	first, second := a.Pair()
	step, err := key.VerifyPair(first, second, clock.Now(), 0, totp.Standard())
	require.NoError(t, err)
	require.Equal(t, key.Step(clock.Now()), step)
}

func TestDrift(t *testing.T) {
	a, clock, key := phone(t)
	a.SetDrift(-59 * time.Second)
	want, err := key.Code(time.Unix(0, 0))
	require.NoError(t, err)
	require.Equal(t, want, a.Peek())
	require.Equal(t, time.Unix(59, 0), clock.Now())
}

func TestWrongCode(t *testing.T) {
	a, clock, key := phone(t)
	clock.Set(time.Unix(1_700_000_000, 0))
	_, err := key.Verify(a.WrongCode(), clock.Now(), 0, totp.Window{Past: 2, Future: 2})
	require.ErrorIs(t, err, totp.ErrRejected)
}

func TestTyped(t *testing.T) {
	a, clock, _ := phone(t)
	b, err := totptest.TypeSecret("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", clock)
	require.NoError(t, err)
	require.Equal(t, a.Peek(), b.Peek())
	_, err = totptest.TypeSecret("short", clock)
	require.ErrorIs(t, err, totp.ErrSecret)
	_, err = totptest.ScanURI("https://example.com", clock)
	require.ErrorIs(t, err, totp.ErrURI)
}

// The wrapper changes nothing while no fault is set.
func TestStoreConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return totptest.Wrap(store.NewMemory()) })
}

func TestStoreCountsAndFails(t *testing.T) {
	s, ctx, id := totptest.Wrap(store.NewMemory()), context.Background(), store.AccountID{User: "42"}
	rec := store.Record{ID: id, Version: store.NewVersion(), State: "active", Sealed: []byte("x"), Updated: time.Unix(0, 0)}
	down := errors.New("down")

	s.SetFaults(totptest.Faults{Get: down, Put: down, List: down})
	_, err := s.Get(ctx, id)
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, s.Put(ctx, rec, store.Version{}), down)
	require.ErrorIs(t, s.Delete(ctx, id, rec.Version), down)
	_, err = s.List(ctx, store.Query{})
	require.ErrorIs(t, err, down)
	require.Equal(t, totptest.Counts{Get: 1, Put: 1, Delete: 1, List: 1}, s.Counts())

	s.Reset()
	s.SetFaults(totptest.Faults{Lost: down})
	require.ErrorIs(t, s.Put(ctx, rec, store.Version{}), down)
	got, err := s.Get(ctx, id)
	require.NoError(t, err, "done nevertheless")
	require.Equal(t, rec.Version, got.Version)
	require.Equal(t, totptest.Counts{Get: 1, Put: 1}, s.Counts())
}
