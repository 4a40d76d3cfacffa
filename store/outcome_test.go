package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

var errNotWritten = fmt.Errorf("%w: the file is busy", store.ErrNotWritten)

// The answers of Update for every way in which a write can end.
func TestUpdateOutcomes(t *testing.T) {
	type hooks = []putHook
	cases := []struct {
		name    string
		explain string
		put     func(t *testing.T, m *store.Memory) hooks
		get     []getHook
		want    []error // none: nil
		not     []error
		stored  uint64
		decided int
	}{
		{
			name:    "acknowledged",
			explain: "the answer goes out after the acknowledgement",
			put:     func(*testing.T, *store.Memory) hooks { return nil },
			stored:  11, decided: 1,
		}, {
			name:    "lost acknowledgement",
			explain: "an error after the write is decided by reading: our version is there",
			put:     func(_ *testing.T, m *store.Memory) hooks { return hooks{failAfter(m, errDisk)} },
			stored:  11, decided: 1,
		}, {
			name:    "conflict with our own version",
			explain: "a driver that repeats a write finds its first try: that is no conflict, and must not be done twice",
			put:     func(_ *testing.T, m *store.Memory) hooks { return hooks{failAfter(m, store.ErrConflict)} },
			stored:  11, decided: 1,
		}, {
			name:    "conflict",
			explain: "somebody was faster: decide again, from the fresh record",
			put: func(t *testing.T, m *store.Memory) hooks {
				return hooks{func(ctx context.Context, rec store.Record, was store.Version) error {
					other(t, m, 20)
					return m.Put(ctx, rec, was)
				}}
			},
			stored: 21, decided: 2,
		}, {
			name:    "not written",
			explain: "the error is told, and the write is not tried again",
			put:     func(*testing.T, *store.Memory) hooks { return hooks{failBefore(errDisk)} },
			want:    []error{store.ErrUnavailable, errDisk}, not: []error{store.ErrConflict, store.ErrNotWritten},
			stored: 10, decided: 1,
		}, {
			name:    "not written, beyond doubt",
			explain: "nobody needs to look, and the caller may say that nothing has changed",
			put:     func(*testing.T, *store.Memory) hooks { return hooks{failBefore(errNotWritten)} },
			get:     []getHook{nil, func(context.Context) error { panic("a second look") }},
			want:    []error{store.ErrUnavailable, store.ErrNotWritten, errNotWritten}, not: []error{store.ErrConflict},
			stored: 10, decided: 1,
		}, {
			name:    "unknown outcome, other version",
			explain: "our write may lie under the other one: neither success nor another try",
			put: func(t *testing.T, m *store.Memory) hooks {
				return hooks{func(ctx context.Context, rec store.Record, was store.Version) error {
					require.NoError(t, m.Put(ctx, rec, was))
					other(t, m, 20)
					return errDisk
				}}
			},
			want: []error{store.ErrUnavailable, errDisk}, not: []error{store.ErrConflict, store.ErrNotWritten},
			stored: 20, decided: 1,
		}, {
			name:    "unknown outcome, record gone",
			explain: "an account erased meanwhile is no success, and its absence is not passed on as \"never enrolled\"",
			put: func(t *testing.T, m *store.Memory) hooks {
				return hooks{func(ctx context.Context, rec store.Record, was store.Version) error {
					require.NoError(t, m.Delete(ctx, alice, was))
					return errDisk
				}}
			},
			want: []error{store.ErrUnavailable, errDisk}, not: []error{store.ErrNotFound, store.ErrNotWritten},
			decided: 1,
		}, {
			name:    "unknown outcome, cannot look",
			explain: "written, but nobody can know: no success",
			put:     func(_ *testing.T, m *store.Memory) hooks { return hooks{failAfter(m, errDisk)} },
			get:     []getHook{nil, func(context.Context) error { return errors.New("still down") }},
			want:    []error{store.ErrUnavailable, errDisk}, not: []error{store.ErrNotWritten},
			stored: 11, decided: 1,
		}, {
			name:    "conflict, then cannot read",
			explain: "nothing is decided without a fresh record, and the conflict may have been our own write",
			put:     func(*testing.T, *store.Memory) hooks { return hooks{failBefore(store.ErrConflict)} },
			get:     []getHook{nil, func(context.Context) error { return errDisk }},
			want:    []error{store.ErrUnavailable, errDisk}, not: []error{store.ErrNotWritten},
			stored: 10, decided: 1,
		}, {
			name:    "cannot read",
			explain: "a store that is down is not \"never enrolled\"",
			put:     func(*testing.T, *store.Memory) hooks { return nil },
			get:     []getHook{func(context.Context) error { return errDisk }},
			want:    []error{store.ErrUnavailable, store.ErrNotWritten, errDisk}, not: []error{store.ErrNotFound},
			stored: 10, decided: 0,
		},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := store.NewMemory()
			other(t, m, 10)
			s := &script{Memory: m, get: c.get, put: c.put(t, m)}
			decided := 0
			err := store.Update(t.Context(), s, alice, func(was store.Record, found bool) (*store.Record, error) {
				decided++
				return step(was, found)
			})
			if len(c.want) == 0 {
				require.NoError(t, err, c.explain)
			}
			for _, want := range c.want {
				require.ErrorIs(t, err, want, c.explain)
			}
			for _, not := range c.not {
				require.NotErrorIs(t, err, not, c.explain)
			}
			n, _ := stored(t, s)
			require.Equal(t, c.stored, n, c.explain)
			require.Equal(t, c.decided, decided, c.explain)
		})
	}
}

// A store that always says "conflict" must not hold a request for ever.
func TestUpdateBoundsItsRounds(t *testing.T) {
	always := make([]putHook, 1000)
	for i := range always {
		always[i] = failBefore(store.ErrConflict)
	}
	s := &script{Memory: store.NewMemory(), put: always}
	decided := 0
	err := store.Update(t.Context(), s, alice, func(was store.Record, found bool) (*store.Record, error) {
		decided++
		return step(was, found)
	})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, 32, decided, "the documented number of rounds")
	require.Equal(t, 32, s.puts)
}

// The last round is read back too: its "conflict" may be our own write.
func TestUpdateLastRoundRepeated(t *testing.T) {
	m := store.NewMemory()
	hooks := make([]putHook, 32)
	for i := range hooks {
		hooks[i] = failBefore(store.ErrConflict)
	}
	hooks[31] = failAfter(m, store.ErrConflict)
	require.NoError(t, store.Update(t.Context(), &script{Memory: m, put: hooks}, alice, step))
}

// The context ends at each point in turn. Success means that the record is written, and
// every failure names both the store and the context, even if the driver reports the end
// in its own words.
func TestUpdateCancelled(t *testing.T) {
	own := errors.New("interrupted (9)")
	type run struct {
		*script
		cancel context.CancelFunc
		inside bool // cancel in decide
	}
	points := []struct {
		name    string
		arrange func(r *run, words error)
		written bool
		ok      bool
		sure    bool // that nothing was written
	}{
		{"before the call", func(r *run, _ error) { r.cancel() }, false, false, true},
		{"in the read", func(r *run, words error) {
			r.get = []getHook{func(context.Context) error { r.cancel(); return words }}
		}, false, false, true},
		{"in decide", func(r *run, _ error) { r.inside = true }, false, false, true},
		{"in the write, before it took place", func(r *run, words error) {
			r.put = []putHook{func(context.Context, store.Record, store.Version) error { r.cancel(); return words }}
		}, false, false, false},
		{"in the write, after it took place", func(r *run, words error) {
			write := failAfter(r.Memory, words)
			r.put = []putHook{func(ctx context.Context, rec store.Record, was store.Version) error {
				defer r.cancel()
				return write(ctx, rec, was)
			}}
		}, true, false, false},
		{"after the acknowledgement", func(r *run, _ error) {
			r.put = []putHook{func(ctx context.Context, rec store.Record, was store.Version) error {
				defer r.cancel()
				return r.Memory.Put(ctx, rec, was)
			}}
		}, true, true, false},
	}
	require.NotEmpty(t, points)
	for _, p := range points {
		for _, words := range []error{context.Canceled, own} {
			t.Run(p.name+"/"+words.Error(), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := &run{script: &script{Memory: store.NewMemory()}, cancel: cancel}
				p.arrange(r, words)
				err := store.Update(ctx, r, alice, func(was store.Record, found bool) (*store.Record, error) {
					if r.inside {
						cancel()
					}
					return step(was, found)
				})
				if r.inside {
					require.Zero(t, r.puts, "who has gone away while it was decided writes nothing")
				}
				_, found := stored(t, r.script)
				require.Equal(t, p.written, found)
				if p.ok {
					require.NoError(t, err, "acknowledged is acknowledged")
					return
				}
				require.ErrorIs(t, err, store.ErrUnavailable)
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, p.sure, errors.Is(err, store.ErrNotWritten))
			})
		}
	}
}
