package redisstore_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
)

var alice = store.AccountID{Tenant: "acme", User: "alice"}

func record() store.Record {
	return store.Record{ID: alice, Version: store.NewVersion(), State: "active", Sealed: []byte("mine")}
}

// each runs every operation of a store.
func each(ctx context.Context, s *redisstore.Store) map[string]error {
	_, get := s.Get(ctx, alice)
	_, list := s.List(ctx, store.Query{Tenant: "acme"})
	_, count := s.Count(ctx, store.Query{Tenant: "acme"})
	return map[string]error{
		"Get":    get,
		"Put":    s.Put(ctx, record(), store.Version{}),
		"Delete": s.Delete(ctx, alice, store.NewVersion()),
		"List":   list,
		"Count":  count,
	}
}

func TestOptions(t *testing.T) {
	cases := []struct {
		name string
		o    redisstore.Options
		says string
	}{
		{"short quarantine", redisstore.Options{Quarantine: 5*time.Minute - 1}, "Quarantine"},
		{"no quarantine", redisstore.Options{Quarantine: -1}, "Quarantine"},
		{"prefix", redisstore.Options{Prefix: "a\x00"}, "Prefix"},
		{"replicas", redisstore.Options{Replicas: -1}, "Replicas"},
		{"wait for ever", redisstore.Options{Replicas: 1, ReplicaWait: time.Millisecond - 1}, "ReplicaWait"},
		{"durability", redisstore.Options{Durability: 3}, "Durability(3)"},
		{"durability below", redisstore.Options{Durability: -1}, "Durability(-1)"},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{script: func() string { return array("absent") }}
			s := redisstore.New(f.client(t), c.o)
			all := each(t.Context(), s)
			all["Check"], all["Create"], all["Release"] = s.Check(t.Context()), s.Create(t.Context()), s.Release(t.Context())
			for name, err := range all {
				require.ErrorIs(t, err, redisstore.ErrOptions, name)
				require.ErrorContains(t, err, c.says, name)
			}
			require.Empty(t, f.scripts())
		})
	}
	require.Equal(t, "Always EverySecond Vouched", strings.Join([]string{
		redisstore.Always.String(), redisstore.EverySecond.String(), redisstore.Vouched.String(),
	}, " "))
}

// A connection that breaks leaves the outcome open. The client would repeat the command
// by default, and a write that took place would look like a conflict.
func TestNothingIsRepeated(t *testing.T) {
	for _, o := range []redisstore.Options{{}, {Replicas: 1}} {
		f := &fake{script: func() string { return "" }}
		for name, err := range each(t.Context(), redisstore.New(f.client(t), o)) {
			require.ErrorIs(t, err, io.EOF, name)
			require.NotErrorIs(t, err, store.ErrConflict, name)
			require.NotErrorIs(t, err, store.ErrNotFound, name)
		}
		require.Equal(t, slices.Repeat([]string{"EVALSHA"}, 5), f.scripts())
	}
}

// A call waits for the replicas as long as the option says, or a second.
func TestReplicaWait(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "WAIT 1 1000", 2500 * time.Millisecond: "WAIT 1 2500"} {
		f := &fake{script: func() string { return array("absent") }}
		s := redisstore.New(f.client(t), redisstore.Options{Replicas: 1, ReplicaWait: wait})
		_ = each(t.Context(), s)
		require.NotEmpty(t, f.waited())
		for _, got := range f.waited() {
			require.Equal(t, want, got)
		}
	}
}

// The one exception: a server that answers that it does not know the script has run
// nothing.
func TestUnknownScript(t *testing.T) {
	answers := []string{"-NOSCRIPT No matching script.\r\n", array("done")}
	f := &fake{script: func() string {
		answer := answers[0]
		answers = answers[1:]
		return answer
	}}
	require.NoError(t, redisstore.New(f.client(t), redisstore.Options{}).Put(t.Context(), record(), store.Version{}))
	require.Equal(t, []string{"EVALSHA", "EVAL"}, f.scripts())
}

// An answer that was not understood never reads as "never enrolled" or as success.
func TestMalformedAnswers(t *testing.T) {
	version := strings.Repeat("v", 16)
	const page = "*8\r\n$4\r\ndone\r\n$4\r\nlast\r\n"
	for name, answer := range map[string]string{
		"an error":         "-ERR something else\r\n",
		"nothing":          "$-1\r\n",
		"a number":         ":1\r\n",
		"an empty array":   "*0\r\n",
		"an array of nil":  "*1\r\n$-1\r\n",
		"another word":     array("fine"),
		"no end":           array("quarantine"),
		"no time":          array("quarantine", "soon"),
		"short":            array("done", "acme\x00alice", version, "active", "x"),
		"short version":    array("done", "acme\x00alice", "v", "active", "x", "0", ""),
		"no time at all":   array("done", "acme\x00alice", version, "active", "x", "yesterday", ""),
		"a short due time": array("done", "acme\x00alice", version, "active", "x", "0", "soon"),
		"never, spelled":   array("done", "acme\x00alice", version, "active", "x", "0", "\x7f\xff\xc7|\xed\xd3(\x00"),
		"due in no year":   array("done", "acme\x00alice", version, "active", "x", "0", "\xff\xff\xff\xff\xff\xff\xff\xff"),
		"no separator":     array("done", "alice", version, "active", "x", "0", ""),
		"no user":          array("done", "acme\x00", version, "active", "x", "0", ""),
		"two separators":   array("done", "acme\x00\x00alice", version, "active", "x", "0", ""),
		"a broken page":    array("done", "last", "acme\x00alice", version, "active"),
		"counts":           array("done", "active", "3"),
		"no id in a page":  array("done", "last", "alice", version, "active", "x", "0", ""),
		"a number in it":   page + bulk("acme\x00alice") + bulk(version) + bulk("active") + bulk("x") + ":0\r\n" + bulk(""),
		"a page of no one": page + bulk("") + bulk(version) + bulk("active") + bulk("x") + bulk("0") + bulk(""),
	} {
		t.Run(name, func(t *testing.T) {
			s := redisstore.New((&fake{script: func() string { return answer }}).client(t), redisstore.Options{})
			_, err := s.Get(t.Context(), alice)
			require.Error(t, err)
			require.NotErrorIs(t, err, store.ErrNotFound)
			found, err := s.List(t.Context(), store.Query{Tenant: "acme"})
			require.Error(t, err)
			require.Empty(t, found)
			if name == "counts" {
				return
			}
			counts, err := s.Count(t.Context(), store.Query{Tenant: "acme"})
			require.Error(t, err)
			require.Empty(t, counts)
		})
	}
}

// A record that cannot be read has its id alone in a list by id, is in no other list, and
// the list goes on behind it.
func TestDamagedRecords(t *testing.T) {
	const due = "\x80\x00\x00\x00\x00\x00\x00\x05"
	version := strings.Repeat("v", 16)
	for name, values := range map[string][]string{
		"short version": {"v", "active", "x", "0", due},
		"zero version":  {strings.Repeat("\x00", 16), "active", "x", "0", due},
		"no time":       {version, "active", "x", "yesterday", due},
		"no such year":  {version, "active", "x", "9223372036854775807", due},
		"long state":    {version, strings.Repeat("s", store.MaxState+1), "x", "0", due},
	} {
		t.Run(name, func(t *testing.T) {
			answer := array(append([]string{"done", "more", "acme\x00alice"}, values...)...)
			s := redisstore.New((&fake{script: func() string { return answer }}).client(t), redisstore.Options{})
			page, err := s.List(t.Context(), store.Query{Tenant: "acme"})
			require.NoError(t, err)
			require.Equal(t, store.Page{Records: []store.Record{{ID: alice}}, Next: store.Cursor(alice)}, page)
			page, err = s.List(t.Context(), store.Query{Tenant: "acme", State: "active"})
			require.NoError(t, err)
			require.Equal(t, store.Page{Next: store.Cursor(alice)}, page)
			q := store.Query{AllTenants: true, DueBefore: time.UnixMilli(9)}
			page, err = s.List(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, store.Page{Next: store.Place{ID: alice, Due: time.UnixMilli(5)}.Cursor()}, page)
			q.Cursor = page.Next
			_, _, err = q.Start()
			require.NoError(t, err)
		})
	}
}

// A server that does not identify itself cannot be recognised.
func TestUnknownServer(t *testing.T) {
	f := &fake{script: func() string { return array("other") }, info: "role:master\r\nmaxmemory_policy:noeviction\r\n"}
	s := redisstore.New(f.client(t), redisstore.Options{Durability: redisstore.Vouched})
	for _, err := range []error{s.Check(t.Context()), s.Create(t.Context()), s.Release(t.Context())} {
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorContains(t, err, "which server this is")
	}
	require.Empty(t, f.scripts())
	for name, err := range each(t.Context(), s) {
		require.ErrorContains(t, err, "which server this is", name)
	}

	// The server changes between the check and the script, each time.
	f.info += "run_id:1\r\nmaster_replid2:0\r\n"
	for name, err := range each(t.Context(), s) {
		require.ErrorContains(t, err, "has changed", name)
	}
	require.ErrorIs(t, s.Check(t.Context()), store.ErrUnavailable)
}

// A server that does not answer holds nobody up.
func TestReturnsWhenTheContextEnds(t *testing.T) {
	silent := make(chan struct{})
	asked := make(chan struct{}, 10)
	f := &fake{script: func() string { asked <- struct{}{}; <-silent; return array("done") }}
	s := redisstore.New(f.client(t), redisstore.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	require.ErrorIs(t, s.Put(ctx, record(), store.Version{}), context.Canceled)
	for name, err := range each(ctx, s) {
		require.ErrorIs(t, err, context.Canceled, name)
	}
	require.Len(t, f.scripts(), 1, "who has gone already asks nothing")
	close(silent)
}

func TestQuarantineError(t *testing.T) {
	f := &fake{script: func() string { return array("quarantine", "1767355200000") }}
	s := redisstore.New(f.client(t), redisstore.Options{})
	for name, err := range each(t.Context(), s) {
		var quarantine *redisstore.QuarantineError
		require.True(t, errors.As(err, &quarantine), name)
		require.Equal(t, time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), quarantine.Until, name)
		require.ErrorIs(t, err, store.ErrUnavailable, name)
		require.ErrorContains(t, err, "until 2026-01-02T12:00:00Z", name)
	}
}
