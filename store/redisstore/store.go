package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/totpflow/totpflow/store"
)

// Store is a [store.Store] in a Redis database. It is safe for concurrent use
// by goroutines and, on the same database, by processes. It keeps nothing in
// memory. Its errors are the client's unless the contract or this package names
// another.
//
// A panic inside the client panics in the calling goroutine; if that has already returned
// because its context ended, the panic is logged to slog.Default. From then on all calls
// return errors until the process is restarted: the client's connections may now return
// the answer to another command.
type Store struct {
	client  *redis.Client
	options Options
	fault   error // the error of invalid options
	fuse    fuse
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
)

// New returns a Store that uses client, which the caller configures and closes: one
// server, or one that Sentinel names (redis.NewFailoverClient). The client's ReadTimeout
// bounds how long a call that was given up holds on to a connection.
//
// New does not contact the server; call [Store.Check] at every start. With invalid
// options every method returns [ErrOptions].
func New(client *redis.Client, o Options) *Store {
	o, fault := o.complete()
	return &Store{client: client, options: o, fault: fault}
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if err := id.Validate(); err != nil {
		return store.Record{}, err
	}
	reply, err := s.call(ctx, getScript, s.account(id), member(id))
	if err != nil {
		return store.Record{}, err
	}
	return scan(reply)
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := store.CheckPut(rec, was); err != nil {
		return err
	}
	// Strings are copies, since the command may outlive this call.
	_, err := s.call(ctx, putScript, s.account(rec.ID), member(rec.ID), expected(was),
		string(rec.Version[:]), rec.State, string(rec.Sealed), rec.Updated.UnixMicro(), dueBytes(rec.Due))
	return err
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if err := id.Validate(); err != nil {
		return err
	}
	_, err := s.call(ctx, deleteScript, s.account(id), member(id), expected(was))
	return err
}

// expected returns a version, or the absence of a record, as the scripts spell it.
func expected(was store.Version) string {
	if was.IsZero() {
		return ""
	}
	return string(was[:])
}

// pageBytes bounds what one page holds of sealed bytes, one record more at
// most: while a script runs, the server answers nobody else.
const pageBytes = 4 << 20

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	var order, what string
	if !q.DueBefore.IsZero() {
		order = "due"
	}
	if q.Heads {
		what = "heads"
	}
	first, last := span(q, after)
	reply, err := s.call(ctx, listScript, s.account(store.AccountID{}), first, last, limit, q.State, pageBytes, order, what)
	if err != nil {
		return store.Page{}, err
	}
	return scanPage(q, reply)
}

// Count implements [store.Counter]: the server counts the entries of each state's
// index.
func (s *Store) Count(ctx context.Context, q store.Query) (map[string]int, error) {
	first, last := span(q, store.Place{})
	reply, err := s.call(ctx, countScript, s.account(store.AccountID{}), first, last)
	if err != nil {
		return nil, err
	}
	return scanCounts(reply)
}

// account returns the key of a record, and for the zero id the beginning of all such
// keys. No prefix holds a NUL, so that no key of a store is one of another store.
func (s *Store) account(id store.AccountID) string {
	key := s.options.Prefix + "account\x00"
	if id == (store.AccountID{}) {
		return key
	}
	return key + member(id)
}

// call runs a script over the store and the keys that account names. It checks a server
// that the store does not know; that server answers when its quarantine has ended.
func (s *Store) call(ctx context.Context, sc script, account string, args ...any) ([]any, error) {
	if s.fault != nil {
		return nil, s.fault
	}
	return prompt(ctx, &s.fuse, func() ([]any, error) {
		keys := s.keys()
		keys[2] = account
		reply, err := s.run(ctx, sc, keys, append([]any{s.options.Now().UnixMilli()}, args...)...)
		if !errors.Is(err, errOther) {
			return reply, err
		}
		if err := s.take(ctx, adoptScript); err != nil {
			return nil, err
		}
		return nil, errOther // somebody else took it at the same moment
	})
}

// keys returns the store's own hash, the index of its records, what their keys begin
// with, and their index by due time. An index of the records in a state has its
// name behind that of the index and a NUL.
func (s *Store) keys() []string {
	p := s.options.Prefix
	return []string{p + "store", p + "index", s.account(store.AccountID{}), p + "due"}
}

// parts are how many values a record is in an answer.
const parts = 6

// scanPage reads whether more follows, and the records. One that cannot be read does not
// hide the others: it has its id and nothing else, and is in no list by state or by due
// time.
func scanPage(q store.Query, reply []any) (store.Page, error) {
	var page store.Page
	if len(reply)%parts != 1 {
		return page, errMalformed
	}
	more := reply[0] == "more"
	var last store.Place
	for reply = reply[1:]; len(reply) > 0; reply = reply[parts:] {
		rec, place, err := listed(q, reply[:parts])
		if err != nil {
			return store.Page{}, err
		}
		if last = place; q.Selects(rec) {
			page.Records = append(page.Records, rec)
		}
	}
	if more && last.ID != (store.AccountID{}) {
		page.Next = last.Cursor()
	}
	return page, nil
}

// listed returns a record of a list, with its id alone if it cannot be read, and the
// place of its entry in the index, where the list goes on.
func listed(q store.Query, reply []any) (store.Record, store.Place, error) {
	text, err := words(reply)
	if err != nil {
		return store.Record{}, store.Place{}, err
	}
	var place store.Place
	if place.ID, err = parseMember(text[0]); err != nil {
		return store.Record{}, store.Place{}, err
	}
	if !q.DueBefore.IsZero() { // the script has compared it with the entry
		if place.Due, err = parseDue(text[5]); err != nil || place.Due.IsZero() {
			return store.Record{}, store.Place{}, errMalformed
		}
	}
	rec, err := scan(reply)
	if err != nil {
		rec = store.Record{ID: place.ID}
	}
	return rec, place, nil
}

// scanCounts reads states and how many records are in each.
func scanCounts(reply []any) (map[string]int, error) {
	if len(reply)%2 != 0 {
		return nil, errMalformed
	}
	counts := make(map[string]int)
	for ; len(reply) > 0; reply = reply[2:] {
		state, ok := reply[0].(string)
		number, is := reply[1].(string)
		n, err := strconv.Atoi(number)
		if !ok || !is || err != nil || n < 0 {
			return nil, errMalformed
		}
		if n > 0 {
			counts[state] = n
		}
	}
	return counts, nil
}

// words returns the values of a record.
func words(reply []any) (text [parts]string, err error) {
	if len(reply) != len(text) {
		return text, errMalformed
	}
	for i := range text {
		var ok bool
		if text[i], ok = reply[i].(string); !ok {
			return text, errMalformed
		}
	}
	return text, nil
}

// scan reads a record: its member of the index, version, state, sealed, updated,
// due.
func scan(reply []any) (store.Record, error) {
	text, err := words(reply)
	if err != nil {
		return store.Record{}, err
	}
	id, err := parseMember(text[0])
	if err != nil {
		return store.Record{}, err
	}
	rec := store.Record{ID: id, State: text[2], Sealed: []byte(text[3])}
	if len(text[1]) != len(rec.Version) {
		return store.Record{}, errMalformed
	}
	copy(rec.Version[:], text[1])
	updated, err := strconv.ParseInt(text[4], 10, 64)
	if err != nil {
		return store.Record{}, errMalformed
	}
	rec.Updated = time.UnixMicro(updated).UTC()
	if rec.Due, err = parseDue(text[5]); err != nil {
		return store.Record{}, err
	}
	if err := rec.Validate(); err != nil {
		return store.Record{}, fmt.Errorf("redisstore: a stored record is not valid: %w", err)
	}
	return rec, nil
}
