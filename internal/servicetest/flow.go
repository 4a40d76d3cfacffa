package servicetest

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/totpflow/totpflow/event"
)

// Flows is an observer that keeps the flows that it receives.
type Flows struct {
	mu  sync.Mutex
	all []event.Flow
}

// ObserveFlow implements [event.FlowObserver].
func (f *Flows) ObserveFlow(_ context.Context, flow event.Flow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, flow)
}

// Take returns the flows since the last call.
func (f *Flows) Take() []event.Flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all
	f.all = nil
	return all
}

var upper = regexp.MustCompile(`.[A-Z]`)

// CallAll calls every method of v that takes a context, with zero arguments, and returns
// the names of the flows that they report.
func CallAll(ctx context.Context, v any, prefix string) (names []string) {
	of := reflect.ValueOf(v)
	for i := range of.NumMethod() {
		method := of.Type().Method(i)
		t := of.Method(i).Type()
		if t.NumIn() == 0 || t.In(0) != reflect.TypeFor[context.Context]() {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(ctx)}
		for j := 1; j < t.NumIn() && !(t.IsVariadic() && j == t.NumIn()-1); j++ {
			args = append(args, reflect.Zero(t.In(j)))
		}
		of.Method(i).Call(args)
		snake := upper.ReplaceAllStringFunc(method.Name, func(s string) string { return s[:1] + "_" + s[1:] })
		names = append(names, prefix+strings.ToLower(snake))
	}
	return names
}
