package recovery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/recovery"
)

var made = time.Date(2026, time.March, 28, 9, 30, 15, 500, time.FixedZone("elsewhere", 7200))

// reread sends a set through its stored form.
func reread(t testing.TB, s recovery.Set) recovery.Set {
	t.Helper()
	back, err := recovery.Decode(s.Encode())
	require.NoError(t, err)
	return back
}

func derive(t testing.TB, s recovery.Set, code string) recovery.Digest {
	t.Helper()
	d, err := s.Derive(context.Background(), code)
	require.NoError(t, err)
	return d
}

func TestEachCodeWorksOnce(t *testing.T) {
	codes, s := recovery.New(made)
	require.Len(t, codes, recovery.Codes)
	require.Equal(t, 10, s.Total())
	require.Equal(t, 10, s.Remaining())
	require.Equal(t, time.Date(2026, time.March, 28, 7, 30, 15, 0, time.UTC), s.Made())
	require.False(t, s.IsZero())

	for i, code := range codes {
		d := derive(t, s, strings.ToLower(strings.ReplaceAll(code, "-", " ")))
		at := made.Add(time.Duration(i) * time.Hour)
		before := s
		next, err := s.Redeem(at, d)
		require.NoError(t, err)
		require.Equal(t, 9-i, next.Remaining())
		require.Equal(t, 10-i, before.Remaining(), "the receiver is as it was")
		require.Len(t, next.Used(), i+1)
		require.True(t, at.Truncate(time.Second).Equal(next.Used()[i]))

		again, err := next.Redeem(at, d)
		require.ErrorIs(t, err, recovery.ErrUsed)
		require.ErrorIs(t, err, recovery.ErrRejected, "a log may tell them apart, a person may not")
		require.Equal(t, next, again)
		s = next
		require.Equal(t, s, reread(t, s))
	}
	require.Zero(t, s.Remaining())
	require.False(t, s.IsZero(), "a set that is used up was made nevertheless")
}

// An issued code works like a saved one, once, and is a set of its own.
func TestIssue(t *testing.T) {
	code, s := recovery.Issue(made)
	normal, err := recovery.Normalize(code)
	require.NoError(t, err)
	require.Equal(t, normal, code)
	require.Equal(t, 1, s.Total())
	require.Equal(t, 1, s.Remaining())
	require.Equal(t, time.Date(2026, time.March, 28, 7, 30, 15, 0, time.UTC), s.Made())

	require.Equal(t, s, reread(t, s))

	saved, other := recovery.New(made)
	_, err = s.Redeem(made, derive(t, s, saved[0]))
	require.ErrorIs(t, err, recovery.ErrRejected, "a saved code is not an issued one")
	_, err = other.Redeem(made, derive(t, other, code))
	require.ErrorIs(t, err, recovery.ErrRejected, "nor the other way round")
	again, _ := recovery.Issue(made)
	require.NotEqual(t, code, again)
	require.NotContains(t, saved, code)

	d := derive(t, s, code)
	used, err := s.Redeem(made, d)
	require.NoError(t, err)
	require.Zero(t, used.Remaining())
	require.False(t, used.IsZero())
	_, err = used.Redeem(made, d)
	require.ErrorIs(t, err, recovery.ErrUsed)
	require.Equal(t, 1, s.Remaining(), "the receiver is as it was")
}

func TestRedeemRefuses(t *testing.T) {
	codes, s := recovery.New(made)
	_, other := recovery.New(made)

	_, err := s.Redeem(made, derive(t, s, recovery.NewCode()))
	require.ErrorIs(t, err, recovery.ErrRejected)
	require.NotErrorIs(t, err, recovery.ErrUsed)

	d := derive(t, s, codes[0])
	_, err = other.Redeem(made, d)
	require.ErrorIs(t, err, recovery.ErrStale, "new codes kill the old ones, also those under way")
	require.NotErrorIs(t, err, recovery.ErrRejected)
	_, err = other.Redeem(made, derive(t, other, codes[0]))
	require.ErrorIs(t, err, recovery.ErrRejected)
	_, err = recovery.Set{}.Redeem(made, d)
	require.ErrorIs(t, err, recovery.ErrStale)
	_, err = s.Redeem(made, recovery.Digest{})
	require.ErrorIs(t, err, recovery.ErrStale)
	_, err = recovery.Set{}.Redeem(made, recovery.Digest{})
	require.ErrorIs(t, err, recovery.ErrStale)

	none := derive(t, recovery.Set{}, codes[0])
	next, err := recovery.Set{}.Redeem(made, none)
	require.ErrorIs(t, err, recovery.ErrRejected)
	require.True(t, next.IsZero())
}

// A code that was used at the zero time counts as used.
func TestUsedAtTheZeroTime(t *testing.T) {
	codes, s := recovery.New(time.Time{})
	d := derive(t, s, codes[3])
	s, err := s.Redeem(time.Time{}, d)
	require.NoError(t, err)
	require.Equal(t, 9, s.Remaining())
	_, err = s.Redeem(time.Time{}, d)
	require.ErrorIs(t, err, recovery.ErrUsed)
}

func TestSaved(t *testing.T) {
	_, s := recovery.New(made)
	require.True(t, s.Saved().IsZero())
	saved := s.MarkSaved(made.Add(time.Minute))
	require.True(t, s.Saved().IsZero())
	require.True(t, made.Add(time.Minute).Truncate(time.Second).Equal(saved.Saved()))
	require.Equal(t, saved, saved.MarkSaved(made.Add(time.Hour)), "the first time stays")
	require.True(t, recovery.Set{}.MarkSaved(made).IsZero())
	require.Equal(t, recovery.Set{}, recovery.Set{}.MarkSaved(made))
}

func TestZeroSet(t *testing.T) {
	var s recovery.Set
	require.True(t, s.IsZero())
	require.Zero(t, s.Remaining())
	require.Zero(t, s.Total())
	require.True(t, s.Made().IsZero())
	require.Equal(t, recovery.Set{}, reread(t, s))
}

// One Argon2id of the agreed cost for each well-formed attempt: right, wrong,
// used, and without a set.
func TestEqualWork(t *testing.T) {
	codes, s := recovery.New(made)
	s, err := s.Redeem(made, derive(t, s, codes[1]))
	require.NoError(t, err)
	var calls int
	defer recovery.WatchKDF(func(passes, memory uint32, threads uint8) {
		require.Equal(t, []any{uint32(1), uint32(1024), uint8(1)}, []any{passes, memory, threads})
		calls++
	})()
	for name, attempt := range map[string]struct {
		set  recovery.Set
		code string
		want error
	}{
		"right":  {s, codes[0], nil},
		"used":   {s, codes[1], recovery.ErrUsed},
		"wrong":  {s, recovery.NewCode(), recovery.ErrRejected},
		"no set": {recovery.Set{}, codes[0], recovery.ErrRejected},
	} {
		calls = 0
		d := derive(t, attempt.set, attempt.code)
		require.Equal(t, 1, calls, name)
		for range 3 { // a loop that repeats on conflicts pays nothing
			_, err := attempt.set.Redeem(made, d)
			require.ErrorIs(t, err, attempt.want, name)
		}
		require.Equal(t, 1, calls, name)
	}
	calls = 0
	_, err = s.Derive(context.Background(), "not a code")
	require.ErrorIs(t, err, recovery.ErrMalformed)
	require.Zero(t, calls, "what is no code costs nothing")
	recovery.New(made)
	require.Equal(t, 10, calls)
	recovery.Issue(made)
	require.Equal(t, 11, calls)
}

func TestDerivationsAreLimited(t *testing.T) {
	codes, s := recovery.New(made)
	var running, most atomic.Int32
	enter, hold := make(chan struct{}, 100), make(chan struct{})
	defer recovery.WatchKDF(func(uint32, uint32, uint8) {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		enter <- struct{}{}
		<-hold
		running.Add(-1)
	})()

	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := s.Derive(context.Background(), codes[i%10])
			if err != nil {
				panic(err)
			}
		})
	}
	for range 4 {
		<-enter
	}
	_, err := s.Derive(&endsWhileWaiting{Context: context.Background()}, codes[0])
	require.ErrorIs(t, err, context.Canceled, "who waits for his turn leaves when his context ends")
	close(hold)
	all.Wait()
	require.EqualValues(t, 4, most.Load())
	require.Zero(t, running.Load())
}

// endsWhileWaiting is a context that is alive when it is first asked and ends right
// after.
type endsWhileWaiting struct {
	context.Context
	asked bool
}

func (c *endsWhileWaiting) Err() error {
	if !c.asked {
		c.asked = true
		return nil
	}
	return context.Canceled
}

func (c *endsWhileWaiting) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func TestDeriveWithADeadContext(t *testing.T) {
	codes, s := recovery.New(made)
	defer recovery.WatchKDF(func(uint32, uint32, uint8) { t.Error("worked for nobody") })()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("gone"))
	for range 100 {
		d, err := s.Derive(ctx, codes[0])
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Redeem(made, d)
		require.Error(t, err)
	}
}

// The stored text contains no code in any spelling, and not half of one.
func TestDumpHoldsNoCode(t *testing.T) {
	codes, s := recovery.New(made)
	d := derive(t, s, codes[0])
	used, err := s.Redeem(made, d)
	require.NoError(t, err)
	type nested struct {
		set    recovery.Set
		digest recovery.Digest
	}
	shown, err := json.Marshal(d) //nolint:staticcheck // that nothing is shown is what is tested
	require.NoError(t, err)
	dumps := []string{string(s.Encode()), fmt.Sprintf("%x", s.Encode()), string(used.Encode()), string(shown), fmt.Sprint(s), s.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		dumps = append(dumps, fmt.Sprintf(verb, s), fmt.Sprintf(verb, d), fmt.Sprintf(verb, nested{s, d}), fmt.Sprintf(verb, &nested{s, d}))
	}
	for _, dump := range dumps {
		flat := strings.NewReplacer("-", "", " ", "", "_", "").Replace(strings.ToUpper(dump))
		for _, code := range codes {
			plain := strings.ReplaceAll(code, "-", "")
			require.NotContains(t, flat, plain[:8])
			require.NotContains(t, flat, plain[8:])
			require.NotContains(t, flat, strings.ToUpper(fmt.Sprintf("%x", plain)))
		}
	}
}

func TestDigestShowsNothing(t *testing.T) {
	codes, s := recovery.New(made)
	d := derive(t, s, codes[0])
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "digest", d)
	require.Contains(t, log.String(), "recovery.Digest(redacted)")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.Equal(t, "recovery.Digest(redacted)", fmt.Sprintf(verb, d))
	}
	shown, err := json.Marshal(d) //nolint:staticcheck // that nothing is shown is what is tested
	require.NoError(t, err)
	require.Equal(t, "{}", string(shown))
	require.Equal(t, "recovery.Set(10 of 10 left)", s.String())
}

// The uses of codes are listed in the order of time, not in that of the sheet.
func TestUsedIsInOrder(t *testing.T) {
	codes, s := recovery.New(made)
	for i, code := range []string{codes[7], codes[2], codes[5]} {
		var err error
		s, err = s.Redeem(made.Add(time.Duration(i)*time.Hour), derive(t, s, code))
		require.NoError(t, err)
	}
	used := s.Used()
	require.Len(t, used, 3)
	require.True(t, used[0].Before(used[1]) && used[1].Before(used[2]))
}

// With an error each call returns the set that it was given.
func TestErrorsKeepTheSet(t *testing.T) {
	codes, s := recovery.New(made)
	used, err := s.Redeem(made, derive(t, s, codes[0]))
	require.NoError(t, err)
	_, other := recovery.New(made)
	calls := map[string]func(recovery.Set) (recovery.Set, error){
		"Set.Redeem": func(s recovery.Set) (recovery.Set, error) { return s.Redeem(made, derive(t, other, codes[1])) },
		"Normalize":  nil, // a spelling, not a state
	}
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)), "a call that replaces a state is missing here")
	for name, call := range calls {
		for _, given := range []recovery.Set{{}, s, used} {
			if call != nil {
				next, err := call(given)
				require.Error(t, err, name)
				require.Equal(t, given.Encode(), next.Encode(), name)
			}
		}
	}
	for _, digest := range []recovery.Digest{{}, derive(t, used, codes[0]), derive(t, used, "0000-0000-0000-0000")} {
		next, err := used.Redeem(made.Add(time.Hour), digest)
		require.Error(t, err)
		require.Equal(t, used, next)
	}
}
