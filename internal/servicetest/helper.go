package servicetest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// Quiet is an observer that nobody reads.
var Quiet = event.Slog(slog.New(slog.DiscardHandler))

// RFCSecret is the secret of RFC 6238, Appendix B, for SHA-1, in base32.
const RFCSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" //nolint:gosec // published, and nobody's

// RFCKey returns the key of [RFCSecret].
func RFCKey(t testing.TB) totp.Key {
	t.Helper()
	key, err := totp.ParseSecret(RFCSecret, totp.Params{})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Printed returns a value in all the forms in which it may end up in a log or an answer.
func Printed(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		data = []byte(err.Error())
	}
	return fmt.Sprintf("%v %+v %#v %x %s", v, v, v, v, data)
}

// Each yields the values and no error.
func Each[T any](values ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Collect returns what seq yields, up to the first error.
func Collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// CountMembers counts members by their state.
func CountMembers(members ...admin.Member) (c admin.Counts) {
	for _, m := range members {
		c.Add(m)
	}
	return c
}

// ErrorOf returns the error of a call that also returns another value.
func ErrorOf[T any](_ T, err error) error { return err }

// Names returns the keys of a table.
func Names[T any](m map[string]T) (all []string) {
	for name := range m {
		all = append(all, name)
	}
	return all
}

// RequireEveryMethod asserts that a table has a line for each method of v, except the
// named ones: a new method needs a line.
func RequireEveryMethod[T any](t *testing.T, v any, table map[string]T, but ...string) {
	t.Helper()
	var methods []string
	for i := range reflect.TypeOf(v).NumMethod() {
		methods = append(methods, reflect.TypeOf(v).Method(i).Name)
	}
	lines := slices.Sorted(slices.Values(append(Names(table), but...)))
	if !slices.Equal(methods, lines) { // reflect sorts methods
		t.Fatalf("the methods are %v, and the table has %v", methods, lines)
	}
}

// Together runs f n times at once, all released by one barrier.
func Together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			f(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

// An Unreadable store cannot read one record.
type Unreadable struct {
	store.Store
	ID store.AccountID
}

// Get implements [store.Store].
func (s Unreadable) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if id == s.ID {
		return store.Record{}, errors.New("timeout")
	}
	return s.Store.Get(ctx, id)
}

// A FailingPolicy is a source that has no policy.
type FailingPolicy struct{ Err error }

// Policy implements [policy.Source].
func (f FailingPolicy) Policy(context.Context, store.AccountID) (policy.Policy, error) {
	return policy.Policy{}, f.Err
}

// RequireNone asserts that the printed text contains none of the secrets.
func RequireNone(t testing.TB, printed string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s)} {
			if strings.Contains(printed, form) {
				t.Fatalf("a secret is printed in %q", printed)
			}
		}
	}
}

// RequireNoneStored searches everything in the store for the secrets.
func (h *Harness) RequireNoneStored(secrets []string) {
	h.T.Helper()
	page, err := h.Memory.List(h.Ctx, store.Query{AllTenants: true})
	h.Must(err)
	h.Check(len(page.Records) > 0, "the store is empty")
	data, err := json.Marshal(page)
	h.Must(err)
	for _, r := range page.Records {
		RequireNone(h.T, string(data)+string(r.Sealed), secrets)
	}
}

// Sealed seals with the ring as the service does.
func (h *Harness) Sealed(kind string, plain []byte) string {
	keys, err := keyring.Parse(h.Keys)
	h.Must(err)
	return base64.RawURLEncoding.EncodeToString(keys.Seal(kind, plain, "Acme Backup", strconv.Itoa(int(keys.Epoch()))))
}

// Plain is the reverse of [Harness.Sealed].
func (h *Harness) Plain(kind, sealed string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	h.Must(err)
	keys, err := keyring.Parse(h.Keys)
	h.Must(err)
	plain, err := keys.Open(kind, raw, "Acme Backup", strconv.Itoa(int(keys.Epoch())))
	h.Must(err)
	return plain
}

// ReadThen returns the store, and calls then after each read.
func ReadThen(s store.Store, then func()) store.Store { return readThen{s, then} }

type readThen struct {
	store.Store
	then func()
}

func (s readThen) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	defer s.then()
	return s.Store.Get(ctx, id)
}
