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

// The code is written before the provider is asked, and the send is counted: a provider
// that fails, or never answers, gives nothing back.
func TestWrittenBeforeTheProviderIsAsked(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	id, challenge := h.Status(ana).Phones[0].ID, h.Challenge(ana)
	h.Store.Reset()
	p.BeforeSend = func() { require.Equal(t, 4, h.Store.Counts().Put, "account, number, prefix, tenant") }
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

// The answer to a send says from when on the account may send another one: not before it,
// and then at once.
func TestWhenAnotherMessageCanBeSent(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	h.Clock.Advance(time.Hour)
	id, challenge := h.Status(ana).Phones[0].ID, h.Challenge(ana)
	for i, wait := range []time.Duration{30 * time.Second, 30 * time.Second, 9 * time.Minute} {
		sent, err := h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
		require.NoError(t, err, i)
		require.Equal(t, h.Clock.Now().Add(wait), sent.NextAt, i)
		h.Clock.Set(sent.NextAt.Add(-time.Second))
		_, err = h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
		require.ErrorIs(t, err, throttle.ErrThrottled, i)
		h.Clock.Set(sent.NextAt)
	}
	other := h.Open(append(withPhones(&p), func(c *totpflow.Config) {
		c.Phones = &phone.Delivery{Sender: &p, Limits: phone.DefaultLimits()}
		c.Phones.Limits.Account = []phone.Limit{{N: 60, Per: time.Hour}}
	})...)
	sent, err := other.SendPhoneCode(h.Ctx, h.Challenge(ana), id, phone.SMS)
	require.NoError(t, err)
	require.Zero(t, sent.NextAt, "at once")
	next, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}})
	require.NoError(t, err)
	page, err := h.BeginPhone(h.Ctx, next.Challenge, mobile)
	require.NoError(t, err)
	sent, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
	require.NoError(t, err)
	require.Equal(t, h.Clock.Now().Add(30*time.Second), sent.NextAt)
}

// A hundred requests at once, over two processes, send no more than one account may.
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

// A thousand accounts that pump one number are stopped: limits of a number apply across
// accounts and tenants.
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
	require.Equal(t, 3, p.Count(), "three in an hour, half of what the number may get")
	require.Equal(t, 997, stopped)
}

// Two spellings of one phone are one number to the limits.
func TestSpellingsShareOneBudget(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	for i := range 20 {
		next, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint(i)}})
		require.NoError(t, err)
		spelling := []string{"+54 9 11 2345 6789", "+54 11 2345 6789"}[i%2]
		page, err := h.BeginPhone(h.Ctx, next.Challenge, number(spelling))
		require.NoError(t, err)
		_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
		require.Equal(t, i < 3, err == nil, "message %d: %v", i, err)
	}
	require.Equal(t, 3, p.Count())

	// The same is true of the sum: two people of two tenants verify one phone, in two
	// spellings, and sign in.
	h.Clock.Advance(24 * time.Hour)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: "43"}}
	for u, spelling := range map[totpflow.User]string{ana: "+54 9 11 2345 6789", ben: "+54 11 2345 6789"} {
		next, err := h.SignIn(h.Ctx, u)
		require.NoError(t, err)
		h.AddPhone(next.Challenge, number(spelling), &p)
	}
	for i := range 8 {
		u := []totpflow.User{ana, ben}[i%2]
		_, err := h.SendPhoneCode(h.Ctx, h.Challenge(u), h.Status(u).Phones[0].ID, phone.SMS)
		require.Equal(t, i < 4, err == nil, "message %d: %v", i, err)
		h.Clock.Advance(3 * time.Minute)
	}
}

// Concurrent requests may all see that there is room before one of them is counted. They
// cost the number one message: the account is counted first, and lets one through.
// Otherwise two such moments would use up what a stranger's phone may get in a day.
func TestSendsAtOnceCostTheNumberOne(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	h.Clock.Advance(time.Hour)
	id, challenge, before := h.Status(ana).Phones[0].ID, h.Challenge(ana), p.Count()
	var looked sync.WaitGroup
	looked.Add(5)
	var errs [5]error
	together(5, func(i int) {
		process := h.Open(append(withPhones(&p), func(c *totpflow.Config) { c.Store = &meet{Store: h.Store, all: &looked} })...)
		_, errs[i] = process.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
	})
	sent := 0
	for _, err := range errs {
		if err == nil {
			sent++
			continue
		}
		require.ErrorIs(t, err, throttle.ErrThrottled)
	}
	require.Equal(t, 1, sent)
	for range 5 { // six in an hour
		h.Clock.Advance(6 * time.Minute)
		_, err := h.SendPhoneCode(h.Ctx, h.Challenge(ana), id, phone.SMS)
		require.NoError(t, err)
	}
	require.Equal(t, before+6, p.Count())
}

// meet is the store of one process of several, whose first writes coincide.
type meet struct {
	store.Store
	all  *sync.WaitGroup
	once sync.Once
}

func (s *meet) Put(ctx context.Context, r store.Record, was store.Version) error {
	s.once.Do(func() { s.all.Done(); s.all.Wait() })
	return s.Store.Put(ctx, r, was)
}

// An attacker who sends codes to other people's numbers, from any number of accounts and
// tenants, leaves the verified phones their half of the limits of the number, the prefix
// and the tenant, on every day.
func TestVerifiedNumbersHaveAShareOfTheirOwn(t *testing.T) {
	for name, attack := range map[string]func(day, i int) (tenant string, to phone.Number){
		"the number": func(_, i int) (string, phone.Number) { return fmt.Sprint("tenant ", i), mobile },
		"the prefix": func(_, i int) (string, phone.Number) {
			return fmt.Sprint("tenant ", i), number(fmt.Sprintf("+43 660 %07d", 1000+i))
		},
		"the tenant": func(day, i int) (string, phone.Number) {
			return ana.ID.Tenant, number(fmt.Sprintf("+%d 660 1%06d", 43+6*(i%2), day*100+i))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			limits := phone.DefaultLimits()
			limits.Prefix = []phone.Limit{{N: 20, Per: time.Hour}, {N: 40, Per: 24 * time.Hour}}
			limits.Tenant = []phone.Limit{{N: 20, Per: time.Hour}, {N: 40, Per: 24 * time.Hour}}
			h := newHarness(t, append(withPhones(&p), func(c *totpflow.Config) { c.Phones.Limits, c.Observer = limits, quiet })...)
			h.EnrollPhone(ana, &p)
			id := h.Status(ana).Phones[0].ID
			for day := range 8 {
				h.Clock.Set(start.Add(time.Duration(day+1) * 24 * time.Hour))
				refused, sent := 0, p.Count()
				for i := range 60 {
					tenant, to := attack(day, i)
					u := totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: fmt.Sprint("mallory ", i)}}
					next, err := h.SignIn(h.Ctx, u)
					require.NoError(t, err)
					page, err := h.BeginPhone(h.Ctx, next.Challenge, to)
					require.NoError(t, err)
					if _, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS); err != nil {
						refused++
					}
				}
				require.Positive(t, refused, "the attack must meet the limit, or the test shows nothing")
				require.Greater(t, p.Count(), sent)
				for range 3 {
					challenge := h.Challenge(ana)
					_, err := h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
					require.NoError(t, err, "day %d", day)
					d, err := h.VerifyPhoneCode(h.Ctx, challenge, p.Code())
					require.NoError(t, err)
					require.Equal(t, totpflow.Passed, d.Step)
					h.Clock.Advance(10 * time.Minute)
				}
			}
		})
	}
}

// A message that cannot be sent counts for nobody: otherwise one account could use up the
// limits of its number, its prefix and its tenant without sending a single message.
func TestWhatCannotBeSentIsNotCounted(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	h.Unchanged(func() {
		for range 20 { // three times as many as a number may get in an hour
			_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, "fax")
			require.ErrorIs(t, err, phone.ErrVia)
		}
	})
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
}

// A person who changes the number while a code is on its way has paid for the old one:
// the account is counted first. Otherwise one account could use up the limits of its
// prefix in all tenants.
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
	// The number changes after each send was counted for its prefix and tenant.
	puts := 0
	racing := h.Open(append(withPhones(&p), func(c *totpflow.Config) { c.Store = afterPut{h.Store, 3, &puts, begin} })...)
	begin()
	for range 500 {
		puts = 0
		if _, err = racing.SendEnrollmentCode(h.Ctx, begun.Token, phone.SMS); err != nil {
			require.ErrorIs(t, err, throttle.ErrThrottled)
		}
		h.Clock.Advance(time.Second)
	}
	require.Equal(t, 1+3, numbers, "three messages in ten minutes")
	require.Equal(t, 3, p.Count())
}

// Once a tenant has sent as much as it may, attempts of its accounts count for nobody:
// otherwise one account could use up the limits of a prefix in all tenants without
// sending a single message.
func TestFullTenantUsesUpNoPrefix(t *testing.T) {
	var p provider
	limits := phone.DefaultLimits()
	limits.Tenant, limits.Prefix = []phone.Limit{{N: 6, Per: time.Hour}}, []phone.Limit{{N: 40, Per: time.Hour}}
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

// beforePut calls a function before the first record is written.
type beforePut struct {
	store.Store
	n  *int
	do func()
}

func (s beforePut) Put(ctx context.Context, r store.Record, was store.Version) error {
	if *s.n++; *s.n == 1 {
		s.do()
	}
	return s.Store.Put(ctx, r, was)
}

// afterPut calls a function when the nth record was written.
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

// The limits of a prefix and of a tenant apply across numbers.
func TestPrefixAndTenantLimits(t *testing.T) {
	for name, limit := range map[string]func(*phone.Limits){
		"prefix": func(l *phone.Limits) { l.Prefix = []phone.Limit{{N: 6, Per: time.Hour}} },
		"tenant": func(l *phone.Limits) { l.Tenant = []phone.Limit{{N: 6, Per: time.Hour}} },
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

// While wrong codes of the app have locked the account, a code by phone is sent: it gets
// the person in as soon as the lockout ends.
func TestSendsWhileLocked(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	next := h.asked(ana)
	for h.Status(ana).Throttled == nil {
		_, err := h.VerifyCode(h.Ctx, next.Challenge, app.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	_, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	refused(t, d, err, throttle.ErrThrottled)
	h.Clock.Advance(h.Status(ana).Throttled.Wait)
	d, err = h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonPhoneCode, d.Reason)
}
