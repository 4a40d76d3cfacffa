package totpflow_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// The code is written before the provider is asked, and the send is counted: a
// provider that fails, or never answers, gives nothing back.
func TestWrittenBeforeTheProviderIsAsked(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	id, challenge := h.Status(ana).Phones[0].ID, h.Challenge(ana)
	h.Store.Reset()
	p.BeforeSend = func() { require.Equal(t, 4, h.Store.Counts().Put, "number, prefix, tenant, account") }
	_, err := h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
	require.NoError(t, err)
	p.BeforeSend = nil

	p.Err = phone.ErrUnavailable
	h.Clock.Advance(time.Minute)
	_, err = h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
	require.ErrorIs(t, err, phone.ErrUnavailable)
	p.Err = nil
	_, err = h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
	require.ErrorIs(t, err, throttle.ErrThrottled, "the failed one counts")
}

// A hundred requests at once send what one account may, over two processes.
func TestSendsAtOnce(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	other := h.Open(withPhones(&p)...)
	id, challenge, before := h.Status(ana).Phones[0].ID, h.Challenge(ana), p.Count()
	var wg sync.WaitGroup
	for i := range 100 {
		s := h.Service
		if i%2 == 0 {
			s = other
		}
		wg.Go(func() { _, _ = s.SendPhoneCode(h.Ctx, challenge, id, phone.SMS) })
	}
	wg.Wait()
	require.Equal(t, before+1, p.Count(), "one in 30 seconds")
}

// A thousand accounts that pump one number are stopped: limits of a number hold
// over accounts and tenants.
func TestPumpingIsStopped(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	stopped := 0
	for i := range 1000 {
		u := totpflow.User{ID: totpflow.AccountID{Tenant: fmt.Sprint("tenant ", i%7), User: fmt.Sprint(i)}}
		next, err := h.SignIn(h.Ctx, u)
		require.NoError(t, err)
		page, err := h.BeginPhone(h.Ctx, next.Challenge, mobile)
		require.NoError(t, err)
		if _, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS); err != nil {
			require.ErrorIs(t, err, totpflow.ErrPhoneLimit)
			stopped++
		}
	}
	require.Equal(t, 5, p.Count(), "five in an hour")
	require.Equal(t, 995, stopped)
}

// What cannot be sent counts for nobody: else one account would use up, without a
// single message of its own, what its number, its prefix and its tenant may have.
func TestWhatCannotBeSentIsNotCounted(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	h.Unchanged(func() {
		for range 20 { // four times what a number may have in an hour
			_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, "fax")
			require.ErrorIs(t, err, phone.ErrVia)
		}
	})
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
}

// Who changes the number while a code is on its way pays for what was counted for
// the old one: else one account would use up, without a single message, what its
// prefix may have in all tenants.
func TestChangingTheNumberWhileACodeIsSent(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	numbers, begun := 0, totpflow.PendingPhone{}
	begin := func() {
		numbers++
		begun, err = h.BeginPhone(h.Ctx, next.Challenge, number(fmt.Sprintf("+43 660 %07d", numbers)))
		require.NoError(t, err)
	}
	// The number changes after each has been counted for its prefix and tenant.
	puts := 0
	racing := h.Open(append(withPhones(&p), func(c *totpflow.Config) { c.Store = afterPut{h.Store, 3, &puts, begin} })...)
	begin()
	for range 500 {
		puts = 0
		_, err = racing.SendEnrollmentCode(h.Ctx, begun.Token, phone.SMS)
		require.Error(t, err)
		h.Clock.Advance(time.Second)
	}
	require.Equal(t, 1+3, numbers, "three messages in ten minutes")
	require.Zero(t, p.Count())
}

// Where a tenant has sent all that it may, what its accounts try counts for nobody
// else: else one account would use up, without a single message, what a prefix may
// have in all tenants.
func TestFullTenantUsesUpNoPrefix(t *testing.T) {
	var p provider
	limits := phone.DefaultLimits()
	limits.Tenant, limits.Prefix = []phone.Limit{{N: 3, Per: time.Hour}}, []phone.Limit{{N: 20, Per: time.Hour}}
	h := newHarness(t, append(withPhones(&p), func(c *totpflow.Config) { c.Phones.Limits = limits })...)
	send := func(u totpflow.User, n int) error {
		next, err := h.SignIn(h.Ctx, u)
		require.NoError(t, err)
		page, err := h.BeginPhone(h.Ctx, next.Challenge, number(fmt.Sprintf("+43 660 %07d", n)))
		require.NoError(t, err)
		_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
		return err
	}
	for i := range 3 {
		require.NoError(t, send(totpflow.User{ID: totpflow.AccountID{Tenant: "full", User: fmt.Sprint(i)}}, i))
	}
	for i := range 30 {
		require.ErrorIs(t, send(totpflow.User{ID: totpflow.AccountID{Tenant: "full", User: "mallory"}}, 100+i), totpflow.ErrPhoneLimit)
	}
	require.NoError(t, send(ana, 200), "another tenant")
}

// afterPut does something when the nth record was written.
type afterPut struct {
	store.Store
	nth int
	n   *int
	do  func()
}

func (s afterPut) Put(ctx context.Context, r store.Record, was store.Version) error {
	err := s.Store.Put(ctx, r, was)
	if *s.n++; *s.n == s.nth {
		s.do()
	}
	return err
}

// The limits of a prefix and of a tenant hold over numbers.
func TestPrefixAndTenantLimits(t *testing.T) {
	for name, limit := range map[string]func(*phone.Limits){
		"prefix": func(l *phone.Limits) { l.Prefix = []phone.Limit{{N: 3, Per: time.Hour}} },
		"tenant": func(l *phone.Limits) { l.Tenant = []phone.Limit{{N: 3, Per: time.Hour}} },
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			limits := phone.DefaultLimits()
			limit(&limits)
			h := newHarness(t, withPhones(&p, func(c *totpflow.Config) { c.Phones.Limits = limits })...)
			for i := range 6 {
				next, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint(i)}})
				require.NoError(t, err)
				page, err := h.BeginPhone(h.Ctx, next.Challenge, number(fmt.Sprint("+43 660 123456", i)))
				require.NoError(t, err)
				_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
				if i >= 3 {
					require.ErrorIs(t, err, totpflow.ErrPhoneLimit)
				}
			}
			require.Equal(t, 3, p.Count())
		})
	}
}
