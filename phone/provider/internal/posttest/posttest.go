// Package posttest has helpers for the tests of all providers.
package posttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
)

// Message returns a message to a number that belongs to nobody (Ofcom keeps it for
// drama).
func Message(via phone.Via) phone.Message {
	keys, err1 := keyring.Parse(keyring.Generate())
	number, err2 := phone.ParseNumber("+44 7700 900123")
	at := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	s, pending, err3 := phone.State{}.Add(at, number)
	_, m, err4 := s.SendPending(at, keys, pending.ID, via, phone.DefaultLimits().Account...)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		panic(err)
	}
	return m
}

// Printed returns everything that fmt and slog write about a provider's configuration, which
// a host may print or log at the start, alone and inside other values.
func Printed[T any](config T) string {
	type settings struct{ SMS T }
	var out bytes.Buffer
	for _, v := range []any{config, &config, settings{config}, &settings{config}, []any{config}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb, v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("start", "settings", v)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("start", "sms", config)
	return out.String()
}

// An Answer is a provider that gives this answer, without a network.
type Answer struct {
	Status int
	Body   string
}

// RoundTrip implements [http.RoundTripper].
func (a Answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.Status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.Body))}, nil
}
