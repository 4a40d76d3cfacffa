package admin_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// crowd makes n accounts in two tenants, cheaply.
func (h *harness) crowd(n int) (ids []store.AccountID) {
	h.T.Helper()
	for i := range n {
		id := store.AccountID{Tenant: []string{"acme", "globex"}[i%2], User: fmt.Sprintf("user %04d", i)}
		h.extends(id)
		ids = append(ids, id)
	}
	return ids
}

// checks returns the reports of Check, by account.
func (h *harness) checks() map[store.AccountID]admin.Checked {
	h.T.Helper()
	all := map[store.AccountID]admin.Checked{}
	for c, err := range h.Admin(nil).Check(h.Ctx, ops) {
		require.NoError(h.T, err)
		all[c.ID] = c
	}
	return all
}

func (h *harness) newestKey() string {
	h.T.Helper()
	keys, err := keyring.Parse(h.Keys)
	require.NoError(h.T, err)
	return keys.IDs()[0]
}

// After a rotation every record is written again under the newest key, the
// tenants' own too, so that the old key can go; a second run finds nothing to do.
func TestReseal(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.crowd(7)
	phone, _ := h.Enroll(ana)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	old := h.newestKey()
	h.RotateKeys()
	h.Service = h.Open(ofTenants)
	h.Step(totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "fresh"}})
	for id, c := range h.checks() {
		require.NoError(t, c.Err)
		require.Equal(t, id.User != "fresh", c.Stale)
		require.Equal(t, c.Stale, c.KeyID == old)
	}
	h.Events.Kinds()
	var last admin.Progress
	require.NoError(t, h.Admin(nil).Reseal(h.Ctx, ops, "", func(p admin.Progress) { last = p }))
	require.Equal(t, admin.Progress{Seen: 10, Changed: 9}, last)
	told := h.EventsOf(event.KeysRotated)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.Equal(t, "ticket 7", told[0].Reason)
	for _, c := range h.checks() {
		require.False(t, c.Stale)
		require.Equal(t, h.newestKey(), c.KeyID)
	}
	before := h.Versions()
	require.NoError(t, h.Admin(nil).Reseal(h.Ctx, ops, "", nil))
	require.Equal(t, before, h.Versions())
	h.PassByCode(ana, phone)
}

// Two operators reseal at the same time: a record that the other one has written since it
// was listed is not written a second time, and not counted.
func TestResealBesideAnother(t *testing.T) {
	h := newHarness(t)
	h.crowd(3)
	h.RotateKeys()
	listed := &afterList{Store: h.Memory}
	first := admin.New(h.Open(func(c *totpflow.Config) { c.Store = listed }), nil)
	second := admin.New(h.Open(), nil)
	var before map[store.AccountID]store.Version
	listed.then = func() {
		require.NoError(t, second.Reseal(h.Ctx, ops, "", nil))
		before = h.Versions()
	}
	var last admin.Progress
	require.NoError(t, first.Reseal(h.Ctx, ops, "", func(p admin.Progress) { last = p }))
	require.Equal(t, admin.Progress{Seen: 3}, last)
	require.NotEmpty(t, before)
	require.Equal(t, before, h.Versions())
}

// An afterList store calls then once, after its first list.
type afterList struct {
	store.Store
	then func()
}

func (s *afterList) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := s.Store.List(ctx, q)
	if then := s.then; then != nil {
		s.then = nil
		then()
	}
	return page, err
}

// An operator who gives no reason sweeps nothing, and sees nothing.
func TestSweepsRequireAReason(t *testing.T) {
	h := newHarness(t)
	h.crowd(2)
	h.RotateKeys()
	h.Service = h.Open()
	adm, by := h.Admin(nil), admin.Operator{Name: "root"}
	h.Unchanged(func() {
		require.ErrorIs(t, adm.Reseal(h.Ctx, by, "", nil), admin.ErrNotAllowed)
		require.ErrorIs(t, adm.AfterDatabaseRestore(h.Ctx, by, start, "", nil), admin.ErrNotAllowed)
		require.ErrorIs(t, adm.PreviewTidy(h.Ctx, by, "", nil), admin.ErrNotAllowed)
		checked, err := servicetest.Collect(adm.Check(h.Ctx, by))
		require.ErrorIs(t, err, admin.ErrNotAllowed)
		require.Empty(t, checked)
		require.ErrorIs(t, servicetest.ErrorOf(adm.RemindDue(h.Ctx, by, "acme", []string{"42"})), admin.ErrNotAllowed)
	})
}

// A sweep that is cut short goes on from its last progress, and the accounts it has done
// stay done. It reports that all records are under the newest key only when they are.
func TestSweepGoesOn(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	h.crowd(store.MaxLimit*2 + 5)
	h.RotateKeys()
	var told servicetest.Recorder
	s := h.Open(func(c *totpflow.Config) { c.Observer = &told })
	var at admin.Progress
	err := admin.New(s, nil).Reseal(h.Ctx, ops, "", func(p admin.Progress) {
		at = p
		h.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Equal(t, store.MaxLimit, at.Seen)
	require.Equal(t, store.MaxLimit, at.Changed)
	require.NotContains(t, told.Kinds(), event.KeysRotated, "nothing is told of what has not come about")

	h.Store.SetFaults(totptest.Faults{List: errors.New("gone")})
	require.ErrorIs(t, admin.New(s, nil).Reseal(h.Ctx, ops, at.Cursor, nil), store.ErrUnavailable)
	h.Store.SetFaults(totptest.Faults{})
	var seen []admin.Progress
	require.NoError(t, admin.New(s, nil).Reseal(h.Ctx, ops, at.Cursor, func(p admin.Progress) { seen = append(seen, p) }))
	require.Len(t, seen, 2)
	require.Equal(t, admin.Progress{Seen: store.MaxLimit + 5, Changed: store.MaxLimit + 5}, seen[1])
	require.NotEmpty(t, seen[0].Cursor)
	kinds := told.Kinds()
	require.Equal(t, event.KeysRotated, kinds[len(kinds)-1])
	require.ErrorIs(t, admin.New(s, nil).Reseal(h.Ctx, ops, "x", nil), store.ErrCursor)

	ctx, cancel := context.WithCancel(h.Ctx)
	cancel()
	require.Error(t, admin.New(s, nil).AfterDatabaseRestore(ctx, ops, start, "", nil))
}

// Check names the key of every record, and each record that does not open, and why. It
// goes on after them, and changes nothing.
func TestCheck(t *testing.T) {
	h := newHarness(t, ofTenants)
	ids := h.crowd(4)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	h.Garble(ids[0])
	h.rewrite(ids[1], `{"format":2}`)
	rec, err := h.Memory.Get(h.Ctx, ids[2])
	require.NoError(t, err)
	moved := rec
	moved.ID.User, moved.Version = "thief", store.NewVersion()
	require.NoError(t, h.Memory.Put(h.Ctx, moved, store.Version{}))
	var all map[store.AccountID]admin.Checked
	h.Unchanged(func() { all = h.checks() })
	require.Len(t, all, 6)
	key := h.newestKey()
	for id, c := range all {
		switch id {
		case ids[0]:
			require.ErrorIs(t, c.Err, keyring.ErrOpen)
			require.Empty(t, c.KeyID)
		case ids[1]:
			require.Error(t, c.Err)
			require.Equal(t, key, c.KeyID)
		case moved.ID:
			require.ErrorIs(t, c.Err, keyring.ErrOpen)
		default:
			require.NoError(t, c.Err)
			require.Equal(t, key, c.KeyID)
		}
	}
	// Without the old key, the records that it sealed are named with it.
	fresh := newHarness(t)
	h.Keys = fresh.Keys
	h.Service = h.Open(ofTenants)
	for id, c := range h.checks() {
		require.Error(t, c.Err)
		if id != ids[0] {
			require.ErrorIs(t, c.Err, keyring.ErrUnknownKey)
			require.Equal(t, key, c.KeyID)
			require.True(t, c.Stale)
		}
	}
}

// A record that does not open does not stop the others: the sweep passes over it, leaves
// it as it is and names it after its page, and the error at the end says so. Then it does
// not report that all records are under the newest key.
func TestSweepsPassOver(t *testing.T) {
	h := newHarness(t)
	ids := h.crowd(5)
	h.Garble(ids[1])
	h.rewrite(ids[4], `{"format":2,"enrollment":{"v":1}}`)
	h.RotateKeys()
	h.Service = h.Open()
	before := h.Versions()
	want := []store.AccountID{ids[4], ids[1]}
	h.Events.Kinds()
	for name, sweep := range map[string]func(func(admin.Progress)) error{
		"Restored": func(p func(admin.Progress)) error { return h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, start, "", p) },
		"Reseal":   func(p func(admin.Progress)) error { return h.Admin(nil).Reseal(h.Ctx, ops, "", p) },
	} {
		var last admin.Progress
		require.ErrorIs(t, sweep(func(p admin.Progress) { last = p }), admin.ErrUnreadable, name)
		require.Equal(t, 5, last.Seen)
		require.Equal(t, want, last.Unreadable)
	}
	require.Len(t, h.EventsOf(event.KeysRotated), 1, "the others are under the new key")
	for i, id := range ids {
		require.Equal(t, i == 1 || i == 4, before[id] == h.Versions()[id])
	}
}

// Sweeps run while people sign in, over two services: nobody is refused by them,
// and no code passes twice.
func TestSweepsWhilePeopleSignIn(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	h.crowd(20)
	key := rfcKey(t)
	var people []totpflow.User
	for i := range 4 {
		u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("person ", i)}}
		require.NoError(t, h.Import(admin.Imported{ID: u.ID, Key: key})[0].Err)
		people = append(people, u)
	}
	var passed, swept atomic.Int32
	for range 6 {
		h.RotateKeys()
		silent := func(c *totpflow.Config) { c.Observer = quiet }
		other, third := h.Open(silent), h.Open(silent)
		h.Clock.Advance(time.Minute)
		code, err := key.Code(h.Clock.Now())
		require.NoError(t, err)
		together(2*len(people)+1, func(i int) {
			if i == 2*len(people) {
				err := admin.New(other, nil).Reseal(h.Ctx, ops, "", func(p admin.Progress) { swept.Add(int32(p.Changed)) })
				if err != nil {
					t.Error(err)
				}
				return
			}
			u, s := people[i%len(people)], []*totpflow.Service{other, third}[i/len(people)]
			next, err := s.SignIn(h.Ctx, u)
			if err != nil {
				t.Error(err)
				return
			}
			switch _, err = s.VerifyCode(h.Ctx, next.Challenge, code); {
			case err == nil:
				passed.Add(1)
			case !errors.Is(err, totpflow.ErrAlreadyUsed) && !errors.Is(err, totpflow.ErrChallenge):
				t.Error(err)
			}
		})
	}
	require.EqualValues(t, 6*len(people), passed.Load(), "each code once, and none lost")
	require.Positive(t, swept.Load())
}
