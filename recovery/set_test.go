package recovery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

var made = time.Date(2026, time.March, 28, 9, 30, 15, 500, time.FixedZone("elsewhere", 7200))

func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
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
		var back recovery.Set
		require.NoError(t, json.Unmarshal([]byte(encode(t, s)), &back))
		require.Equal(t, s, back)
	}
	require.Zero(t, s.Remaining())
	require.False(t, s.IsZero(), "a set that is used up was made all the same")
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

// A clock that is at the beginning of time must not leave a code unused.
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
	require.Equal(t, "null", encode(t, s))
	type record struct {
		Set recovery.Set `json:"set,omitzero"`
	}
	require.Equal(t, "{}", encode(t, record{}))
	require.NoError(t, json.Unmarshal([]byte("null"), &s))
	require.Equal(t, recovery.Set{}, s)
}

// One Argon2id of the agreed cost for each well-formed attempt: right, wrong, used, and without a set.
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

// endsWhileWaiting is a context that is alive when first asked and ends right after.
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

// What is stored holds no code in any spelling, nor half of one.
func TestDumpHoldsNoCode(t *testing.T) {
	codes, s := recovery.New(made)
	d := derive(t, s, codes[0])
	used, err := s.Redeem(made, d)
	require.NoError(t, err)
	type nested struct {
		set    recovery.Set
		digest recovery.Digest
	}
	dumps := []string{encode(t, s), encode(t, used), encode(t, d), fmt.Sprint(s), s.String()}
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
	require.Equal(t, "{}", encode(t, d))
	require.Equal(t, "recovery.Set(10 of 10 left)", s.String())
}

// The stored format, and the codes that it was made from. It stays readable for ever: a change of the alphabet or of the
// cost is another version.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/set.json")
	require.NoError(t, err)
	var golden struct {
		Codes []string        `json:"codes"`
		Set   json.RawMessage `json:"set"`
	}
	require.NoError(t, json.Unmarshal(data, &golden))
	var s recovery.Set
	require.NoError(t, json.Unmarshal(golden.Set, &s))
	require.Equal(t, string(golden.Set), encode(t, s))
	require.Len(t, golden.Codes, 10)
	require.Equal(t, 9, s.Remaining())
	require.Equal(t, "2026-03-28T07:30:15Z", s.Made().Format(time.RFC3339))
	require.Equal(t, "2026-03-28T07:31:15Z", s.Saved().Format(time.RFC3339))
	require.Equal(t, "2026-04-01T06:00:00Z", s.Used()[0].Format(time.RFC3339))
	for i, code := range golden.Codes {
		_, err := s.Redeem(made, derive(t, s, code))
		if i == 2 {
			require.ErrorIs(t, err, recovery.ErrUsed)
			continue
		}
		require.NoError(t, err, "code %d", i+1)
	}
}

func TestDecodingRefuses(t *testing.T) {
	_, s := recovery.New(made)
	good := encode(t, s)
	require.Less(t, len(good), 1<<10)
	first := strings.Index(good, `"hash":"`) + len(`"hash":"`)
	for name, bad := range map[string]string{
		"no version":       strings.Replace(good, `"v":1,`, ``, 1),
		"another version":  strings.Replace(good, `"v":1`, `"v":2`, 1),
		"an unknown field": strings.Replace(good, `"v":1`, `"v":1,"pepper":""`, 1),
		"no codes":         `{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAQ","made":"2026-03-28T07:30:15Z","codes":[]}`,
		"eleven codes":     strings.Replace(good, `"codes":[`, `"codes":[{"hash":"`+good[first:first+43]+`"},`, 1),
		"a short hash":     good[:first] + good[first+4:],
		"a null hash":      good[:first-1] + "null" + good[first+44:],
		"a padded hash":    good[:first+43] + "=" + good[first+43:],
		"other hash bits":  good[:first+42] + next(good[first+42]) + good[first+43:],
		"a zero hash":      good[:first] + strings.Repeat("A", 43) + good[first+43:],
		"a zero salt":      strings.Replace(good, good[strings.Index(good, `"salt":"`)+8:][:22], strings.Repeat("A", 22), 1),
		"no salt":          strings.Replace(good, `"salt"`, `"made"`, 1),
		"a list":           `[]`,
		"a text":           `""`,
	} {
		was := s
		require.ErrorIs(t, json.Unmarshal([]byte(bad), &s), recovery.ErrFormat, name)
		require.Equal(t, was, s, "%s: no half-read set", name)
	}
	require.ErrorIs(t, s.UnmarshalJSON([]byte(good+good)), recovery.ErrFormat)
}

// next is the symbol after c in base64url: for a last symbol, of which two bits are unused, another spelling of the same bytes.
func next(c byte) string {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return base64url[strings.IndexByte(base64url, c)+1:][:1]
}

func FuzzDecode(f *testing.F) {
	_, s := recovery.New(made)
	f.Add([]byte(encode(f, s)))
	f.Add([]byte(`{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAQ","made":"2026-03-28T07:30:15Z","codes":[{"hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s recovery.Set
		if json.Unmarshal(data, &s) != nil {
			require.True(t, s.IsZero())
			return
		}
		var back recovery.Set
		require.NoError(t, json.Unmarshal([]byte(encode(t, s)), &back))
		require.Equal(t, encode(t, s), encode(t, back))
		require.LessOrEqual(t, s.Remaining(), s.Total())
	})
}
