package servicetest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// A Recorder is an observer that keeps the events that it receives.
type Recorder struct {
	Mu  sync.Mutex
	Got []event.Event
}

// Observe implements [event.Observer].
func (s *Recorder) Observe(_ context.Context, e event.Event) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Got = append(s.Got, e)
}

// Kinds returns the kinds of the events since the last call.
func (s *Recorder) Kinds() []event.Kind {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	var kinds []event.Kind
	for _, e := range s.Got {
		kinds = append(kinds, e.Kind)
	}
	s.Got = nil
	return kinds
}

// EventsOf returns the events of one kind since the last call.
func (h *Harness) EventsOf(k event.Kind) []event.Event {
	h.Events.Mu.Lock()
	defer h.Events.Mu.Unlock()
	all := h.Events.Got
	h.Events.Got = nil
	return slices.DeleteFunc(all, func(e event.Event) bool { return e.Kind != k })
}

// Versions returns the version of every record: they differ after anything was written.
func (h *Harness) Versions() map[store.AccountID]store.Version {
	h.T.Helper()
	page, err := h.Memory.List(h.Ctx, store.Query{AllTenants: true, Limit: store.MaxLimit})
	h.Must(err)
	versions := map[store.AccountID]store.Version{}
	for _, r := range page.Records {
		versions[r.ID] = r.Version
	}
	return versions
}

// Unchanged runs f and asserts that it wrote nothing and reported no change.
func (h *Harness) Unchanged(f func()) {
	h.T.Helper()
	before := h.Versions()
	h.Events.Kinds()
	f()
	h.Check(maps.Equal(before, h.Versions()), "something was written")
	for _, k := range h.Events.Kinds() {
		h.Check(!k.SecurityChange(), "told of %s", k)
	}
}

// Garble breaks the seal of the record of id.
func (h *Harness) Garble(id store.AccountID) {
	h.T.Helper()
	rec, err := h.Memory.Get(h.Ctx, id)
	h.Must(err)
	was := rec.Version
	rec.Version, rec.Sealed = store.NewVersion(), []byte("garbled")
	h.Must(h.Memory.Put(h.Ctx, rec, was))
}
