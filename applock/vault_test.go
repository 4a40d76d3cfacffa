package applock_test

import (
	"bytes"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/keyring"
)

var (
	noon    = time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	options = applock.Options{Of: "acme/ana/laptop", Idle: 10 * time.Minute}
	value   = applock.NewValue()
	another = applock.NewValue()
	session = []byte("session token 5d2c8f07")
)

func unlocked(t testing.TB) *applock.Vault {
	v, err := applock.New(noon, options, value, session)
	require.NoError(t, err)
	return v
}

func locked(t testing.TB) *applock.Vault {
	v, err := applock.Decode(unlocked(t).Encode(), options)
	require.NoError(t, err)
	return v
}

// The table of the package comment, cell by cell.
func TestStates(t *testing.T) {
	soon, late := noon.Add(10*time.Minute-1), noon.Add(10*time.Minute)
	for _, tt := range []struct {
		from   applock.State
		action string
		do     func(*applock.Vault) error
		want   error
		to     applock.State
	}{
		{applock.Locked, "open, right", func(v *applock.Vault) error { return v.Open(soon, value) }, nil, applock.Unlocked},
		{applock.Locked, "open, wrong", func(v *applock.Vault) error { return v.Open(soon, another) }, applock.ErrValue, applock.Locked},
		{applock.Locked, "open, none", func(v *applock.Vault) error { return v.Open(soon, applock.Value{}) }, applock.ErrValue, applock.Locked},
		{applock.Locked, "touch", func(v *applock.Vault) error { return v.Touch(soon) }, applock.ErrLocked, applock.Locked},
		{applock.Locked, "content", content(soon), applock.ErrLocked, applock.Locked},
		{applock.Locked, "update", update(soon), applock.ErrLocked, applock.Locked},
		{applock.Locked, "lock", lock, nil, applock.Locked},
		{applock.Locked, "idle", state(late), nil, applock.Locked},

		{applock.Unlocked, "open, right", func(v *applock.Vault) error { return v.Open(soon, value) }, nil, applock.Unlocked},
		{applock.Unlocked, "open, wrong", func(v *applock.Vault) error { return v.Open(soon, another) }, applock.ErrValue, applock.Locked},
		{applock.Unlocked, "open, none", func(v *applock.Vault) error { return v.Open(soon, applock.Value{}) }, applock.ErrValue, applock.Locked},
		{applock.Unlocked, "touch", func(v *applock.Vault) error { return v.Touch(soon) }, nil, applock.Unlocked},
		{applock.Unlocked, "content", content(soon), nil, applock.Unlocked},
		{applock.Unlocked, "update", update(soon), nil, applock.Unlocked},
		{applock.Unlocked, "lock", lock, nil, applock.Locked},
		{applock.Unlocked, "idle", state(late), nil, applock.Locked},
		{applock.Unlocked, "touch, too late", func(v *applock.Vault) error { return v.Touch(late) }, applock.ErrLocked, applock.Locked},
		{applock.Unlocked, "content, too late", content(late), applock.ErrLocked, applock.Locked},
		{applock.Unlocked, "update, too late", update(late), applock.ErrLocked, applock.Locked},
		{applock.Unlocked, "a clock put back", state(noon.Add(-31 * time.Second)), nil, applock.Locked},
		{applock.Unlocked, "a clock put right", state(noon.Add(-30 * time.Second)), nil, applock.Unlocked},
	} {
		t.Run(tt.from.String()+" "+tt.action, func(t *testing.T) {
			v := map[applock.State]func(testing.TB) *applock.Vault{applock.Locked: locked, applock.Unlocked: unlocked}[tt.from](t)
			before := v.Encode()
			err := tt.do(v)
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, "applock.Vault("+tt.to.String()+")", v.String())
			require.Equal(t, tt.to, v.State(soon))
			require.Equal(t, tt.to == applock.Unlocked, !v.LocksAt().IsZero())
			if tt.action != "update" || err != nil {
				require.Equal(t, before, v.Encode(), "the file stays")
			}
			require.NoError(t, v.Open(soon, value), "the right value opens it after all that")
			got, err := v.Content(soon)
			require.NoError(t, err)
			if tt.action != "update" || tt.want != nil {
				require.Equal(t, session, got)
			}
		})
	}
}

func content(at time.Time) func(*applock.Vault) error {
	return func(v *applock.Vault) error {
		got, err := v.Content(at)
		if err != nil && got != nil {
			panic("content came with an error")
		}
		return err
	}
}

func update(at time.Time) func(*applock.Vault) error {
	return func(v *applock.Vault) error {
		was := v.Encode()
		file, err := v.Update(at, []byte("renewed"))
		if err != nil && !bytes.Equal(was, file) {
			panic("another file came with an error")
		}
		return err
	}
}

func state(at time.Time) func(*applock.Vault) error {
	return func(v *applock.Vault) error { v.State(at); return nil }
}

func lock(v *applock.Vault) error { v.Lock(); return nil }

func TestZeroIsLocked(t *testing.T) {
	var v applock.Vault
	require.Equal(t, applock.Locked, v.State(noon))
	require.ErrorIs(t, v.Open(noon, value), applock.ErrVault)
	require.ErrorIs(t, v.Open(noon, applock.Value{}), applock.ErrVault)
	require.Equal(t, applock.Locked, v.State(noon))
	_, err := v.Content(noon)
	require.ErrorIs(t, err, applock.ErrLocked)
}

// Only use keeps it open; reading, renewing and asking for its state do not.
func TestIdle(t *testing.T) {
	v := unlocked(t)
	require.Equal(t, noon.Add(10*time.Minute), v.LocksAt())
	at := noon
	for range 20 {
		at = at.Add(9 * time.Minute)
		require.NoError(t, v.Touch(at))
	}
	require.NoError(t, v.Touch(at.Add(-20*time.Second)))
	require.Equal(t, at.Add(10*time.Minute), v.LocksAt(), "a touch that comes late takes nothing")
	for _, do := range []func(*applock.Vault) error{content(at.Add(5 * time.Minute)), update(at.Add(5 * time.Minute)), state(at.Add(5 * time.Minute))} {
		require.NoError(t, do(v))
	}
	require.Equal(t, at.Add(10*time.Minute), v.LocksAt())
	require.Equal(t, applock.Unlocked, v.State(v.LocksAt().Add(-1)))
	require.Equal(t, applock.Locked, v.State(at.Add(10*time.Minute)))
	require.Equal(t, applock.Locked, v.State(at), "and stays so, whatever the clock says then")

	v, err := applock.New(noon, applock.Options{}, value, session)
	require.NoError(t, err)
	require.Equal(t, noon.Add(15*time.Minute), v.LocksAt(), "the default")
}

// The monotonic clock stands still while a machine sleeps; the lock must not.
func TestSleepCounts(t *testing.T) {
	opened := time.Now()
	v, err := applock.New(opened, options, value, session)
	require.NoError(t, err)
	morning := opened.Add(8 * time.Hour)
	// Give it the monotonic reading of the evening, as after eight hours of sleep: a
	// time.Time consists of its wall clock, the monotonic clock and a location.
	type layout struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}
	(*layout)(unsafe.Pointer(&morning)).ext = (*layout)(unsafe.Pointer(&opened)).ext
	require.Zero(t, morning.Sub(opened), "the monotonic clock stood still")
	require.Equal(t, 8*time.Hour, morning.Round(0).Sub(opened.Round(0)))
	require.Equal(t, applock.Locked, v.State(morning))
}

// A program that was closed at any moment finds what it wrote last.
func TestRestart(t *testing.T) {
	v := unlocked(t)
	file, err := v.Update(noon, []byte("renewed"))
	require.NoError(t, err)
	require.Equal(t, file, v.Encode())
	require.NotContains(t, string(file), "renewed")
	for _, at := range []time.Time{noon, noon.Add(365 * 24 * time.Hour), noon.Add(-time.Hour)} {
		again, err := applock.Decode(file, options)
		require.NoError(t, err)
		require.Equal(t, applock.Locked, again.State(at))
		require.Equal(t, file, again.Encode())
		require.NoError(t, again.Open(at, value))
		got, err := again.Content(at)
		require.NoError(t, err)
		require.Equal(t, "renewed", string(got))
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := applock.New(noon, options, applock.Value{}, session)
	require.ErrorIs(t, err, applock.ErrValue)
	_, err = applock.New(noon, applock.Options{Idle: -1}, value, session)
	require.ErrorIs(t, err, applock.ErrOptions)
	_, err = applock.Decode(unlocked(t).Encode(), applock.Options{Idle: -1})
	require.ErrorIs(t, err, applock.ErrOptions)
	_, err = applock.New(noon, options, value, make([]byte, applock.MaxContent+1))
	require.ErrorIs(t, err, applock.ErrOptions)

	v, err := applock.New(noon, options, value, make([]byte, applock.MaxContent))
	require.NoError(t, err)
	file := v.Encode()
	_, err = v.Update(noon, make([]byte, applock.MaxContent+1))
	require.ErrorIs(t, err, applock.ErrOptions)
	require.Equal(t, file, v.Encode())
	again, err := applock.Decode(file, options)
	require.NoError(t, err)
	require.NoError(t, again.Open(noon, value))
	for _, empty := range [][]byte{nil, {}} {
		_, err = v.Update(noon, empty)
		require.NoError(t, err)
		got, err := v.Content(noon)
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

// The vault shares neither the caller's slice nor the one that it returned.
func TestContentIsTheCallers(t *testing.T) {
	mine := bytes.Clone(session)
	v, err := applock.New(noon, options, value, mine)
	require.NoError(t, err)
	clear(mine)
	got, err := v.Content(noon)
	require.NoError(t, err)
	require.Equal(t, session, got)
	clear(got)
	clear(v.Encode())
	got, err = v.Content(noon)
	require.NoError(t, err)
	require.Equal(t, session, got)
}

// The program's windows and timers use a vault at the same time.
func TestConcurrentUse(t *testing.T) {
	v := unlocked(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				_ = v.Open(noon, value)
				_ = v.Touch(noon)
				if got, err := v.Content(noon); err == nil && !bytes.Equal(got, session) {
					panic("torn content")
				}
				_, _ = v.Update(noon, session)
				_, _, _ = v.Encode(), v.LocksAt(), v.String()
				v.Lock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, applock.Locked, v.State(noon))
}

// A secret that the server uses for something else is not accepted as a value, and a
// value is not accepted as a ring.
func TestValueIsNoRing(t *testing.T) {
	_, err := applock.ParseValue(keyring.Generate())
	require.ErrorIs(t, err, applock.ErrValue)
	_, err = keyring.Parse(value.Text())
	require.ErrorIs(t, err, keyring.ErrMalformed)
}

// With an error the unchanged file is returned.
func TestErrorsKeepTheFile(t *testing.T) {
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.Equal(t, []string{"Vault.Update"}, names, "a call that replaces a state is missing here")
	for _, v := range []*applock.Vault{unlocked(t), locked(t)} {
		file := v.Encode()
		after, err := v.Update(noon, make([]byte, applock.MaxContent+1))
		require.Error(t, err)
		require.Equal(t, file, after)
		require.Equal(t, file, v.Encode())
	}
}
