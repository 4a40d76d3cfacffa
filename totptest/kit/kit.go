// Package kit is a service for the tests of a product, with the clock, the store and the
// messages of package totptest. Begin with [New]. It stores everything in memory. It
// defends against tests that set up more than they test. The assertions are left to you.
//
//	k := kit.New()
//	phone, codes := k.Enroll(ana)
//	k.Store.FailNext(1, errors.New("down"))
//	next, err := k.Service.SignIn(ctx, ana)
//	k.Notifications() // what ana was notified of
//
// To test a product's pages, give k.Service and k.Clock.Now to web.New, so that the
// product's constructor takes a finished service, and open them with web/webtest, a browser
// with TLS, cookies and forms, to type the phone's codes into their pages. The user's ID
// is the one in the product.
package kit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A Kit is a service together with its clock, store and messages. Its methods panic if
// the service refuses, since that is a mistake in the test. Tests of refusals call the
// Service.
type Kit struct {
	Service *totpflow.Service
	Clock   *totptest.Clock
	Store   *totptest.Store

	mu            sync.Mutex
	notifications []event.Notification
}

// New returns a service over a store in memory, with new keys, whose policy makes the
// second factor optional. A change may set any field of its configuration. New panics if
// [totpflow.New] refuses the result.
//
//	k := kit.New()
//	phone, codes := k.Enroll(ana)
func New(changes ...func(*totpflow.Config)) *Kit {
	k := &Kit{Clock: totptest.NewClock(time.Date(2026, time.January, 2, 15, 4, 5, 0, time.UTC)), Store: totptest.Wrap(store.NewMemory())}
	keys, err := keyring.Parse(keyring.Generate())
	must("keys", err)
	c := totpflow.Config{
		Issuer: "Acme Backup", Store: k.Store, Keys: keys, Policy: policy.Fixed{Mode: policy.Optional}, Now: k.Clock.Now,
		Notifier: event.NotifierFunc(func(_ context.Context, n event.Notification) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.notifications = append(k.notifications, n)
			return nil
		}),
	}
	for _, change := range changes {
		change(&c)
	}
	k.Service, err = totpflow.New(c)
	must("configuration", err)
	return k
}

// Enroll sets up an authenticator for a user who has none, and returns the phone and the
// recovery codes. Like [Kit.SignIn] it waits for the messages of its flows, so that a
// fault set afterwards hits the test's own call.
func (k *Kit) Enroll(user totpflow.User) (phone *totptest.Authenticator, recoveryCodes []string) {
	ctx := context.Background()
	d, err := k.Service.SignIn(ctx, user)
	must("sign in", err)
	var by totpflow.EnrollmentGrant = d.Proof
	if d.Step == totpflow.Enroll {
		by = d.Challenge
	}
	page, err := k.Service.BeginEnrollment(ctx, by)
	must("begin the enrollment", err)
	phone, err = totptest.ScanURI(page.Offer.URI(), k.Clock)
	must("scan", err)
	done, err := k.Service.ConfirmEnrollment(ctx, page.Token, phone.Code())
	must("confirm the enrollment", err)
	k.drain()
	return phone, done.Sheet.Codes
}

// SignIn signs a user in with the password and a code of the phone.
func (k *Kit) SignIn(user totpflow.User, phone *totptest.Authenticator) totpflow.Decision {
	ctx := context.Background()
	d, err := k.Service.SignIn(ctx, user)
	must("sign in", err)
	d, err = k.Service.VerifyCode(ctx, d.Challenge, phone.Code())
	must("verify the code", err)
	k.drain()
	return d
}

// Notifications waits for pending messages and returns all notifications so far, oldest
// first. Call it before you set a fault, too: a pending message uses the store as well.
func (k *Kit) Notifications() []event.Notification {
	k.drain()
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.notifications)
}

func (k *Kit) drain() { must("drain", k.Service.Drain(context.Background())) }

func must(what string, err error) {
	if err != nil {
		panic(fmt.Sprintf("kit: %s: %v", what, err))
	}
}
