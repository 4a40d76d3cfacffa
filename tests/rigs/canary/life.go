package canary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A Life is the history of some accounts on a store: the secrets that only their owners
// may have, and everything that was printed.
type Life struct {
	Secrets
	store  *totptest.Store
	mfa    *totpflow.Service
	clock  *totptest.Clock
	sender *provider
	keys   string // the ring
	text   *slog.Logger
	json   *slog.Logger
	said   transcript
	ana    *person
	ben    *person

	mu     sync.Mutex
	events []event.Event
	flows  map[string]bool // those that succeeded
	deaf   bool            // the notifier fails
}

// A transcript may be written while flows and notifications are under way.
type transcript struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.Write(p)
}

// Live leads a life on the store, with every way in and every kind of trouble, and prints
// all results in every form in which programs print. The store has no other accounts. An
// error says what went wrong.
func Live(ctx context.Context, s store.Store) (life *Life, err error) {
	l := &Life{flows: make(map[string]bool), store: totptest.Wrap(s), clock: totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))}
	l.text, l.json = slog.New(slog.NewTextHandler(&l.said, nil)), slog.New(slog.NewJSONHandler(&l.said, nil))
	if l.sender, err = newProvider(l); err != nil {
		return nil, err
	}
	defer l.sender.close()
	l.keys = keyring.Generate()
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	l.ana, l.ben = &person{user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ana"}, Name: "ana@acme.example"}}, &person{user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}}}
	for _, s := range stages {
		if err := l.through(ctx, s.act); err != nil {
			return nil, fmt.Errorf("canary: %s: %w", s.name, err)
		}
	}
	return l, nil
}

// A fault ends a stage.
type fault struct{ error }

// through runs a stage to its end or to its fault.
func (l *Life) through(ctx context.Context, act func(*Life, context.Context)) (err error) {
	defer func() {
		switch f := recover().(type) {
		case nil:
		case fault:
			err = f.error
		default:
			panic(f)
		}
	}()
	act(l, ctx)
	return l.mfa.Drain(ctx)
}

// must ends the stage for an error.
func must(err error) {
	if err != nil {
		panic(fault{err})
	}
}

// open makes the service again, with the current ring.
func (l *Life) open(ctx context.Context) error {
	if l.mfa != nil {
		must(l.mfa.Drain(ctx))
	}
	_, keys, _ := strings.Cut(l.keys, ":")
	l.Add("key ring", []byte(keys))
	for key := range strings.SplitSeq(keys[strings.LastIndexByte(keys, ':')+1:], ",") {
		_, text, _ := strings.Cut(key, ".")
		l.token("key of the ring", text)
	}
	ring, err := keyring.Parse(l.keys)
	if err != nil {
		return err
	}
	c := totpflow.Config{
		Issuer: "Acme Backup", Store: l.store, Keys: ring, Now: l.clock.Now,
		Phones:   &phone.Delivery{Sender: l.sender},
		Observer: event.Tee(event.Slog(l.text), event.Slog(l.json), event.ObserverFunc(l.record)),
		Notifier: event.NotifierFunc(l.notify), Flows: event.FlowObserverFunc(l.flow), Logger: l.text,
	}
	l.mfa, err = totpflow.New(c)
	l.saw(err, c, ring, l.mfa)
	return err
}

func (l *Life) record(_ context.Context, e event.Event) {
	l.mu.Lock()
	l.events = append(l.events, e)
	l.mu.Unlock()
	l.say(e)
}

func (l *Life) flow(_ context.Context, f event.Flow) {
	l.mu.Lock()
	if f.Outcome == event.OutcomeOK {
		l.flows[f.Name] = true
	}
	l.mu.Unlock()
	l.say(f)
}

func (l *Life) notify(_ context.Context, n event.Notification) error {
	l.say(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deaf {
		return fmt.Errorf("no mail about %v", n)
	}
	return nil
}

// Succeeded reports whether a call of the library, by the name of its flow, succeeded.
func (l *Life) Succeeded(flow string) bool { return l.flows[flow] }

// saw prints what a call returned. An error that is not among the wanted ones ends the
// stage, and so does a wanted error that is missing.
func (l *Life) saw(err error, values ...any) {
	l.say(values...)
	must(err)
}

func (l *Life) refused(want error, err error, values ...any) {
	l.say(append(values, err)...)
	if !errors.Is(err, want) {
		panic(fault{fmt.Errorf("got %w, want %w", err, want)})
	}
}

type box struct{ Inner any }

// say prints values as programs do.
func (l *Life) say(values ...any) {
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, shape := range []any{v, []any{v}, map[string]any{"k": v}, box{v}, &box{v}} {
				fmt.Fprintf(&l.said, verb+"\n", shape)
			}
		}
		l.text.Info("said", "value", v)
		l.text.With("with", v).WithGroup("group").Info("said", slog.Group("inner", "value", v))
		l.json.Info("said", "value", v)
		if !carries(v) && !bears(v) {
			text, err := json.Marshal(v)
			fmt.Fprintln(&l.said, string(text), err)
		}
	}
}

// bears returns the values whose JSON the owner must get: tickets for a session, a sheet
// to save. A logger that writes JSON asks them first.
func bears(v any) bool {
	switch v.(type) {
	case totpflow.Challenge, totpflow.Proof, totpflow.EnrollmentToken, totpflow.DisownToken, admin.Window, recovery.Sheet:
		return true
	}
	return false
}

// carries reports the structs that contain such values: as JSON they are an answer to
// their owner, too.
func carries(v any) bool {
	switch v.(type) {
	case totpflow.Decision, totpflow.PendingEnrollment, totpflow.PendingPhone, totpflow.ConfirmedEnrollment, admin.Administrator, totpflow.Config:
		return true
	}
	return false
}

// Said returns everything that was printed, and what the runtime prints about a program
// that panics in the middle of a write.
func (l *Life) Said() Place { return Place{Name: "what the program said", Data: l.said.all.Bytes()} }

// traced is a store whose write panics: it notes what the runtime prints about the panic.
type traced struct {
	store.Store
	trace *bytes.Buffer
}

func (t traced) Put(context.Context, store.Record, store.Version) error {
	t.trace.Write(debug.Stack())
	return errors.New("panic")
}

// Planted are the kinds that Plant leaves behind, and that therefore must be found: in
// every place that shows a record, and those of them that are in its id where a place
// shows only ids.
var (
	Planted      = []string{recoveryCode, seed, appCode}
	PlantedInIDs = []string{recoveryCode}
)

// Plant does what must not be done: it prints secrets, and puts them where the store does
// not seal them.
func (l *Life) Plant(ctx context.Context, s store.Store) error {
	codes, key := l.ana.sheet, l.ana.key
	l.text.Info("a careless program", "sheet", strings.Join(codes, " "), "key", key.Secret(), "typed", l.ana.typed)
	sealed := append([]byte("secret="), raw(key)...)
	sealed = fmt.Appendf(sealed, " codes: %v ", l.ana.typed)
	return s.Put(ctx, store.Record{
		ID: store.AccountID{Tenant: "careless", User: codes[0]}, Version: store.NewVersion(), State: codes[1], Sealed: sealed, Updated: l.clock.Now(),
	}, store.Version{})
}
