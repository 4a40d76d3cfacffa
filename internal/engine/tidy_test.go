package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
)

// A deleting store fails to delete, or does something before it.
type deleting struct {
	store.Store
	before func()
	err    error
}

func (d *deleting) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if d.before != nil {
		d.before()
	}
	if d.err != nil {
		return d.err
	}
	return d.Store.Delete(ctx, id, was)
}

// A record that counts messages is deleted once no limit needs it. One that was changed,
// deleted or spoiled since the list was read is judged as it stands, and a store that fails
// is not reported as a deletion.
func TestTidyEntry(t *testing.T) {
	counts, down := account.SendsID("x"), errors.New("connection refused")
	take := func(e *Engine) {
		require.NoError(t, e.ChangeRecord(t.Context(), counts, func(tx *Tx) (err error) {
			tx.Sends, err = tx.Sends.Take(tx.Now, phone.Limit{N: 10, Per: time.Hour})
			tx.Save()
			return err
		}))
	}
	for name, c := range map[string]struct {
		after   time.Duration
		longest time.Duration
		then    func(e *Engine, s *deleting) // after the list was read
		is      error
		deleted bool
		stays   bool
	}{
		"not needed":                  {time.Hour, time.Hour, nil, nil, true, false},
		"still needed":                {time.Hour - time.Minute, time.Hour, nil, nil, false, true},
		"by limits that nobody knows": {100 * 24 * time.Hour, 0, nil, nil, false, true},
		"for longer than any limit":   {phone.MaxPeriod, 0, nil, nil, true, false},
		"one more was counted":        {time.Hour, time.Hour, func(e *Engine, _ *deleting) { take(e) }, nil, false, true},
		"one more is counted during it": {time.Hour, time.Hour, func(e *Engine, s *deleting) {
			s.before = func() { take(e) }
		}, nil, false, true},
		"deleted meanwhile": {time.Hour, time.Hour, func(_ *Engine, s *deleting) {
			rec, err := s.Get(t.Context(), counts)
			require.NoError(t, err)
			require.NoError(t, s.Store.Delete(t.Context(), counts, rec.Version))
		}, nil, false, false},
		"spoiled meanwhile": {time.Hour, time.Hour, func(_ *Engine, s *deleting) {
			rec, err := s.Get(t.Context(), counts)
			require.NoError(t, err)
			was := rec.Version
			rec.Version, rec.Sealed = store.NewVersion(), []byte("spoiled")
			require.NoError(t, s.Put(t.Context(), rec, was))
		}, keyring.ErrOpen, false, true},
		"the store fails": {time.Hour, time.Hour, func(_ *Engine, s *deleting) { s.err = down }, store.ErrUnavailable, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := &deleting{Store: store.NewMemory()}, at
			e := New(Config{Store: s, Keys: ring(t), Observer: &hears{}, Now: func() time.Time { return now }, LongestLimit: c.longest})
			take(e)
			now = at.Add(c.after)
			entry, found, err := e.Read(t.Context(), counts)
			require.NoError(t, err)
			require.True(t, found)
			changed, deletes, err := e.TidyEntry(t.Context(), entry, false)
			require.NoError(t, err)
			require.False(t, changed)
			require.Equal(t, c.deleted || c.then != nil, deletes, "the preview judges what was read")
			if c.then != nil {
				c.then(e, s)
			}
			changed, deleted, err := e.TidyEntry(t.Context(), entry, true)
			require.ErrorIs(t, err, c.is)
			require.False(t, changed)
			require.Equal(t, c.deleted, deleted)
			_, err = s.Get(t.Context(), counts)
			require.Equal(t, c.stays, err == nil)
		})
	}
}
