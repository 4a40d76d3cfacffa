package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// noon is the time of the benchmarks' clock.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// A lab has what the works need besides themselves: a folder, servers that are started
// when the first work asks for them, and what must be closed in the end.
type lab struct {
	dir     string
	small   bool // few accounts, to check that everything runs
	closers []func() error
	kept    map[string]any
}

func newLab(dir string, small bool) *lab {
	return &lab{dir: dir, small: small, kept: make(map[string]any)}
}

// close ends everything, the last one first.
func (l *lab) close() (err error) {
	for i := len(l.closers) - 1; i >= 0; i-- {
		if failed := l.closers[i](); err == nil {
			err = failed
		}
	}
	l.closers = nil
	return err
}

// once makes something the first time that a work asks for it.
func once[T any](l *lab, name string, make func() (T, error)) (T, error) {
	if have, ok := l.kept[name]; ok {
		return have.(T), nil
	}
	made, err := make()
	if err == nil {
		l.kept[name] = made
	}
	return made, err
}

// accounts is a number of accounts, or a few where the lab is small.
func (l *lab) accounts(n int) int {
	if l.small {
		return min(n, 200)
	}
	return n
}

var files atomic.Int64

// file returns the name of a file that does not exist yet.
func (l *lab) file() string {
	return filepath.Join(l.dir, "bench"+strconv.FormatInt(files.Add(1), 10)+".db")
}

// A product is a service over a store, and its clock.
type product struct {
	*totpflow.Service
	store store.Store
	keys  *keyring.Ring
	ring  string
	now   atomic.Int64 // seconds
}

// newProduct returns a product without people. The notifier may be nil.
func newProduct(s store.Store, notifier event.Notifier) (*product, error) {
	return productWith(s, notifier, keyring.Generate(), nil)
}

func productWith(s store.Store, notifier event.Notifier, ring string, source policy.Source) (*product, error) {
	keys, err := keyring.Parse(ring)
	if err != nil {
		return nil, err
	}
	p := &product{store: s, keys: keys, ring: ring}
	p.now.Store(noon.Unix())
	if source == nil {
		source = policy.Fixed{Mode: policy.Required, Methods: policy.App | policy.RecoveryCodes, BrowserAge: policy.DefaultBrowserAge}
	}
	p.Service, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: keys, Policy: source, Notifier: notifier,
		Observer: event.ObserverFunc(func(context.Context, event.Event) {}), Now: p.clock,
	})
	return p, err
}

func (p *product) clock() time.Time { return time.Unix(p.now.Load(), 0) }

// A person has an account and the app for it. A person is used by one goroutine.
type person struct {
	p    *product
	user totpflow.User
	key  totp.Key
	mark totpflow.SessionMark
	at   int64 // the person's own time: each code is used once
}

func (p *product) userOf(i int) totpflow.User {
	return totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprintf("user-%07d", i)}, Name: fmt.Sprintf("user-%d@acme.example", i)}
}

// enroll sets up the account of number i.
func (p *product) enroll(i int) (*person, error) {
	ctx, user := context.Background(), p.userOf(i)
	next, err := p.SignIn(ctx, user)
	if err != nil {
		return nil, err
	}
	page, err := p.BeginEnrollment(ctx, next.Challenge)
	if err != nil {
		return nil, err
	}
	key, _, err := totp.ParseURI(page.Offer.URI())
	if err != nil {
		return nil, err
	}
	code, err := key.Code(p.clock())
	if err != nil {
		return nil, err
	}
	done, err := p.ConfirmEnrollment(ctx, page.Token, code)
	if err != nil {
		return nil, err
	}
	return &person{p: p, user: user, key: key, mark: done.Mark, at: p.now.Load()}, nil
}

// typical gives the account what people's accounts have after a year: recovery codes that
// are saved, two trusted browsers, and the events of twenty sign-ins.
func (h *person) typical() error {
	ctx := context.Background()
	if err := h.p.Account(h.user).RecoveryCodesSaved(ctx); err != nil {
		return err
	}
	for _, label := range []string{"Firefox on Windows", "Safari on iPhone"} {
		d, err := h.signIn(ctx)
		if err != nil {
			return err
		}
		if _, err := h.p.TrustBrowser(ctx, d.Proof, label); err != nil {
			return err
		}
	}
	for range 18 {
		if _, err := h.signIn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// signIn is a whole second step, with the code of an unused step.
func (h *person) signIn(ctx context.Context) (totpflow.Decision, error) {
	next, err := h.p.SignIn(ctx, h.user)
	if err != nil {
		return next, err
	}
	return h.p.VerifyCode(ctx, next.Challenge, h.code())
}

// code moves the product's clock on where this person's last code was of this step. In
// millions of sign-ins some steps have the code of the next one, which it would use up:
// it passes over them.
func (h *person) code() string {
	for {
		h.at += 30
		for {
			now := h.p.now.Load()
			if now >= h.at || h.p.now.CompareAndSwap(now, h.at) {
				h.at = max(h.at, now)
				break
			}
		}
		code, err := h.key.Code(time.Unix(h.at, 0))
		check(err)
		next, err := h.key.Code(time.Unix(h.at+30, 0))
		check(err)
		if code != next {
			return code
		}
	}
}

// check ends the run: a benchmark that fails has measured nothing.
func check(err error) {
	if err != nil {
		panic(err)
	}
}
