package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

var mobile = number("+43 660 1234567")

func number(s string) phone.Number {
	n, err := phone.ParseNumber(s)
	if err != nil {
		panic(err)
	}
	return n
}

// A pigeon is a provider that keeps what it was given.
type pigeon struct {
	mu   sync.Mutex
	sent []phone.Message
	err  error
	look func() // called before it takes a message
}

func (p *pigeon) Send(_ context.Context, m phone.Message) error {
	if p.look != nil {
		p.look()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.sent = append(p.sent, m)
	return nil
}

func (p *pigeon) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// code is the last one that was sent.
func (p *pigeon) code() string { return p.sent[len(p.sent)-1].Code.Digits() }

// wrong is a code that was not sent.
func (p *pigeon) wrong() string {
	if p.code() == "123456" {
		return "654321"
	}
	return "123456"
}

const everyMethod = policy.App | policy.RecoveryCodes | policy.Phone

// withPhones is a house that sends codes; the policy is required, with phones,
// unless it is changed.
func withPhones(p *pigeon, changes ...func(*totpflow.Config)) []func(*totpflow.Config) {
	return append([]func(*totpflow.Config){func(c *totpflow.Config) {
		c.Phones = &totpflow.Phones{Sender: p}
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod}
	}}, changes...)
}

// addPhone verifies a number by its own code.
func (h *house) addPhone(by totpflow.Authority, n phone.Number, p *pigeon) totpflow.Decision {
	h.t.Helper()
	page, err := h.BeginPhone(h.ctx, by, n)
	require.NoError(h.t, err)
	_, err = h.SendSetUpCode(h.ctx, page.Token, phone.SMS)
	require.NoError(h.t, err)
	d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
	require.NoError(h.t, err)
	h.clock.Advance(time.Minute)
	return d
}

// phoneOnly sets u up with nothing but a phone.
func (h *house) phoneOnly(u totpflow.User, p *pigeon) {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	require.Equal(h.t, totpflow.SetUp, next.Step)
	require.Equal(h.t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodPhoneCode}, next.Methods)
	require.Empty(h.t, next.Phones, "the person chooses")
	require.Equal(h.t, totpflow.Passed, h.addPhone(next.Challenge, mobile, p).Step)
}

// A number is added with the set-up challenge, verified by its own code, and from
// then on signs in: by SMS, and by a call for who has a landline.
func TestSigningInByPhone(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	for _, via := range []phone.Via{phone.SMS, phone.Voice} {
		next, err := h.SignIn(h.ctx, ana)
		require.NoError(t, err)
		require.Equal(t, totpflow.AskCode, next.Step)
		require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)
		require.Len(t, next.Phones, 1)
		require.Equal(t, "+43 ••• ••67", fmt.Sprint(next.Phones[0].Number))

		sent, err := h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, via)
		require.NoError(t, err)
		require.Equal(t, totpflow.SentCode{To: mobile, Via: via}, sent)
		d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.wrong())
		refused(t, d, err, totpflow.ErrRejected)
		d, err = h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
		require.NoError(t, err)
		require.Equal(t, totpflow.Passed, d.Step)
		require.Equal(t, totpflow.ByPhoneCode, d.Reason)
		d, err = h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
		refused(t, d, err, totpflow.ErrChallenge)
		h.clock.Advance(time.Hour)
	}
	require.True(t, h.status(ana).Enrolled)
}

// The phone network is not enough for what lasts: neither trust, nor another
// authenticator in the place of one, nor turning it off, nor administration.
func TestPhoneIsNotEnough(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	app, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)

	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	require.NoError(t, err)
	require.Empty(t, d.Proof)
	require.Zero(t, d.TrustFor)
	_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)

	h.clock.Advance(time.Minute)
	_, err = h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionDisable, p.code())
	require.ErrorIs(t, err, totpflow.ErrRejected, "a code by phone proves no action")
}

// Who has nothing but a phone may add an app with it: there is nothing better to
// ask for.
func TestFromPhoneToApp(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	h.setUp(d.Proof)
	require.Equal(t, enroll.Active, h.status(ana).State)
	require.Len(t, h.status(ana).Phones, 1)
}

// Beside an active authenticator a phone is a way in only where policy names it,
// and the default policy does not. Where phones are all there is, a policy that
// no longer names them does not turn them into no factor.
func TestPolicyDecidesOnPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	app, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	id := h.status(ana).Phones[0].ID
	ben := totpflow.User{Tenant: "acme", ID: "43"}
	h.phoneOnly(ben, &p)

	without := h.open(append(withPhones(&p), withMode(policy.Optional))...)
	next, err := without.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.NotContains(t, next.Methods, totpflow.MethodPhoneCode)
	require.Empty(t, next.Phones)
	_, err = without.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrMethod)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.NoError(t, err)
	d, err := without.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	refused(t, d, err, totpflow.ErrMethod)
	_, err = without.BeginPhone(h.ctx, next.Challenge, mobile)
	require.Error(t, err)

	next, err = without.SignIn(h.ctx, ben)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "optional, and yet asked: there is a factor")
	require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)

	none := h.open(withMode(policy.Off)) // no sender any more
	next, err = none.SignIn(h.ctx, ben)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	_, err = none.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrNoPhone)
}

// A number that waits for its code is judged by the policy of the moment: what an
// administrator has forbidden since gets no message and becomes no factor.
func TestPolicyChangesWhileANumberWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		policy policy.Fixed
		err    error
	}{
		"no codes by phone":             {policy.Fixed{Mode: policy.Required}, totpflow.ErrMethod},
		"administrators choose numbers": {policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: true}, totpflow.ErrAssigned},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			page, err := h.BeginPhone(h.ctx, next.Challenge, mobile)
			require.NoError(t, err)
			_, err = h.SendSetUpCode(h.ctx, page.Token, phone.SMS)
			require.NoError(t, err)
			h.clock.Advance(time.Minute)

			later := h.open(withPhones(&p, func(c *totpflow.Config) { c.Policy = tt.policy })...)
			h.unchanged(func() {
				_, err = later.SendSetUpCode(h.ctx, page.Token, phone.SMS)
				require.ErrorIs(t, err, tt.err)
				d, err := later.ConfirmPhone(h.ctx, page.Token, p.code())
				refused(t, d, err, tt.err)
			})
			require.Equal(t, 1, p.count())
			require.Empty(t, h.status(ana).Phones)
			d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
			require.NoError(t, err, "the code itself is right")
			require.Equal(t, totpflow.Passed, d.Step)
		})
	}
}

// One code is live: another one, or another sign-in, ends it. Nothing gives wrong
// codes back, and they are counted with those of the app.
func TestOnePhoneCodeIsLive(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	id := h.status(ana).Phones[0].ID
	first, second := h.ask(ana), h.ask(ana)
	d, err := h.VerifyPhoneCode(h.ctx, first, "123456")
	refused(t, d, err, totpflow.ErrPhoneCode)
	_, err = h.SendPhoneCode(h.ctx, first, id, phone.SMS)
	require.NoError(t, err)
	old := p.code()
	d, err = h.VerifyPhoneCode(h.ctx, second, old)
	refused(t, d, err, totpflow.ErrPhoneCode)
	h.clock.Advance(time.Minute)
	_, err = h.SendPhoneCode(h.ctx, first, id, phone.Voice)
	require.NoError(t, err)
	if old != p.code() {
		d, err = h.VerifyPhoneCode(h.ctx, first, old)
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.clock.Advance(5 * time.Minute)
	d, err = h.VerifyPhoneCode(h.ctx, first, p.code())
	refused(t, d, err, totpflow.ErrPhoneCode)

	h.clock.Advance(10 * time.Minute)
	challenge := h.ask(ana)
	_, err = h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
	require.NoError(t, err)
	for range 5 {
		_, err = h.VerifyPhoneCode(h.ctx, challenge, p.wrong())
		if errors.Is(err, throttle.ErrThrottled) {
			break
		}
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err = h.VerifyPhoneCode(h.ctx, challenge, p.code())
	refused(t, d, err, throttle.ErrThrottled)
	require.NotNil(t, h.status(ana).Waiting, "the account's one budget")
}

// The code is written before the provider is asked, and the send is counted: a
// provider that fails, or never answers, gives nothing back.
func TestWrittenBeforeTheProviderIsAsked(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	id, challenge := h.status(ana).Phones[0].ID, h.ask(ana)
	h.store.Reset()
	p.look = func() { require.Equal(t, 4, h.store.Counts().Put, "number, prefix, tenant, account") }
	_, err := h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
	require.NoError(t, err)
	p.look = nil

	p.err = phone.ErrUnavailable
	h.clock.Advance(time.Minute)
	_, err = h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
	require.ErrorIs(t, err, phone.ErrUnavailable)
	p.err = nil
	_, err = h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
	require.ErrorIs(t, err, throttle.ErrThrottled, "the failed one counts")
}

// A hundred requests at once send what one account may, over two processes.
func TestSendsAtOnce(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	other := h.open(withPhones(&p)...)
	id, challenge, before := h.status(ana).Phones[0].ID, h.ask(ana), p.count()
	var wg sync.WaitGroup
	for i := range 100 {
		s := h.Service
		if i%2 == 0 {
			s = other
		}
		wg.Go(func() { _, _ = s.SendPhoneCode(h.ctx, challenge, id, phone.SMS) })
	}
	wg.Wait()
	require.Equal(t, before+1, p.count(), "one in 30 seconds")
}

// A thousand accounts that pump one number are stopped: limits of a number hold
// over accounts and tenants.
func TestPumpingIsStopped(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	stopped := 0
	for i := range 1000 {
		u := totpflow.User{Tenant: fmt.Sprint("tenant ", i%7), ID: fmt.Sprint(i)}
		next, err := h.SignIn(h.ctx, u)
		require.NoError(t, err)
		page, err := h.BeginPhone(h.ctx, next.Challenge, mobile)
		require.NoError(t, err)
		if _, err = h.SendSetUpCode(h.ctx, page.Token, phone.SMS); err != nil {
			require.ErrorIs(t, err, totpflow.ErrPhoneLimit)
			stopped++
		}
	}
	require.Equal(t, 5, p.count(), "five in an hour")
	require.Equal(t, 995, stopped)
}

// What cannot be sent counts for nobody: else one account would use up, without a
// single message of its own, what its number, its prefix and its tenant may have.
func TestWhatCannotBeSentIsNotCounted(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	h.unchanged(func() {
		for range 20 { // four times what a number may have in an hour
			_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, "fax")
			require.ErrorIs(t, err, phone.ErrVia)
		}
	})
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
}

// Who changes the number while a code is on its way pays for what was counted for
// the old one: else one account would use up, without a single message, what its
// prefix may have in all tenants.
func TestChangingTheNumberWhileACodeIsSent(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	numbers, begun := 0, totpflow.PhonePage{}
	begin := func() {
		numbers++
		begun, err = h.BeginPhone(h.ctx, next.Challenge, number(fmt.Sprintf("+43 660 %07d", numbers)))
		require.NoError(t, err)
	}
	// The number changes after each has been counted for its prefix and tenant.
	puts := 0
	racing := h.open(append(withPhones(&p), func(c *totpflow.Config) { c.Store = afterPut{h.store, 3, &puts, begin} })...)
	begin()
	for range 500 {
		puts = 0
		_, err = racing.SendSetUpCode(h.ctx, begun.Token, phone.SMS)
		require.Error(t, err)
		h.clock.Advance(time.Second)
	}
	require.Equal(t, 1+3, numbers, "three messages in ten minutes")
	require.Zero(t, p.count())
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
			var p pigeon
			limits := phone.DefaultLimits()
			limit(&limits)
			h := newHouse(t, withPhones(&p, func(c *totpflow.Config) { c.Phones.Limits = limits })...)
			for i := range 6 {
				next, err := h.SignIn(h.ctx, totpflow.User{Tenant: "acme", ID: fmt.Sprint(i)})
				require.NoError(t, err)
				page, err := h.BeginPhone(h.ctx, next.Challenge, number(fmt.Sprint("+43 660 123456", i)))
				require.NoError(t, err)
				_, err = h.SendSetUpCode(h.ctx, page.Token, phone.SMS)
				if i >= 3 {
					require.ErrorIs(t, err, totpflow.ErrPhoneLimit)
				}
			}
			require.Equal(t, 3, p.count())
		})
	}
}

// Where policy leaves numbers to administrators, the person verifies the one that
// was chosen and no other, and cannot take it away.
func TestAssignedPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: true}
	})...)
	op := totpflow.Operator{Name: "root", Reason: "test"}
	target := store.ID{Tenant: ana.Tenant, User: ana.ID}
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode}, next.Methods, "there is no number to verify")
	require.True(t, h.status(ana).Assigned.IsZero())
	_, err = h.BeginPhone(h.ctx, next.Challenge, mobile)
	require.ErrorIs(t, err, totpflow.ErrAssigned)
	require.NoError(t, h.Admin(nil).AssignPhone(h.ctx, op, target, mobile))
	next, err = h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
	require.Equal(t, []totpflow.Phone{{Number: mobile}}, next.Phones)
	require.Equal(t, mobile, h.status(ana).Assigned)
	_, err = h.BeginPhone(h.ctx, next.Challenge, number("+43 660 7654321"))
	require.ErrorIs(t, err, totpflow.ErrAssigned)
	h.addPhone(next.Challenge, phone.Number{}, &p)
	st := h.status(ana)
	require.Equal(t, mobile, st.Phones[0].Number)
	require.WithinDuration(t, h.clock.Now(), st.Phones[0].Used, 2*time.Minute)
	require.True(t, st.Assigned.IsZero(), "verified")

	challenge := h.ask(ana)
	_, err = h.SendPhoneCode(h.ctx, challenge, st.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, challenge, p.code())
	require.NoError(t, err)
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, d.Proof, st.Phones[0].ID), totpflow.ErrAssigned)
	require.NoError(t, h.Admin(nil).AssignPhone(h.ctx, op, target, phone.Number{}))
	require.Empty(t, h.status(ana).Phones)
}

// The last phone goes by a new sign-in, and not where a factor is required; one of
// several factors goes by the app's code.
func TestRemovingPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	id := h.status(ana).Phones[0].ID
	prove := func() totpflow.Proof {
		h.clock.Advance(time.Minute)
		challenge := h.ask(ana)
		_, err := h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
		require.NoError(t, err)
		d, err := h.VerifyPhoneCode(h.ctx, challenge, p.code())
		require.NoError(t, err)
		return d.Proof
	}
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, "", id), totpflow.ErrProof)
	proof := prove()
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, proof, id), totpflow.ErrRequired)
	app, _ := h.setUp(proof)
	h.clock.Advance(time.Minute)
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, proof, id), totpflow.ErrProof)
	require.NoError(t, h.Account(ana).RemovePhone(h.ctx, h.prove(ana, totpflow.ActionRemovePhone, app), id))
	require.Empty(t, h.status(ana).Phones)
	require.Contains(t, h.events.kinds(), event.PhoneRemoved)
}

// A reset, a freeze's restore, an exemption and a redeemed code leave no phone
// behind: it may be the thief's.
func TestPhonesGoWithTheFactors(t *testing.T) {
	op := totpflow.Operator{Name: "root", Reason: "test"}
	target := store.ID{Tenant: ana.Tenant, User: ana.ID}
	for name, end := range map[string]func(*house, totpflow.Admin) error{
		"reset":  func(h *house, a totpflow.Admin) error { return a.Reset(h.ctx, op, target, totpflow.ScopeAll) },
		"exempt": func(h *house, a totpflow.Admin) error { return a.Exempt(h.ctx, op, target, "agent") },
		"issued code": func(h *house, a totpflow.Admin) error {
			var code string
			err := a.IssueRecoveryCode(h.ctx, op, target, func(_ context.Context, c totpflow.IssuedCode) error {
				code = c.Code
				return nil
			})
			if err == nil {
				_, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), code)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			h.phoneOnly(ana, &p)
			require.NoError(t, end(h, h.Admin(nil)))
			require.Empty(t, h.status(ana).Phones)
		})
	}
}

// A number that is not served, a mistyped configuration, a service without a
// sender: each is told at once.
func TestPhoneMisuse(t *testing.T) {
	for name, p := range map[string]totpflow.Phones{
		"no sender":       {},
		"half the limits": {Sender: &pigeon{}, Limits: phone.Limits{Account: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"number's alone":  {Sender: &pigeon{}, Limits: phone.Limits{Number: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"prefix's alone":  {Sender: &pigeon{}, Limits: phone.Limits{Prefix: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"tenant's alone":  {Sender: &pigeon{}, Limits: phone.Limits{Tenant: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"bad destination": {Sender: &pigeon{}, Destinations: phone.Destinations{Only: []string{"43"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := totpflow.Config{Issuer: "Acme", Store: store.NewMemory(), Keys: newHouse(t).ring(), Phones: &p}
			_, err := totpflow.New(c)
			require.ErrorIs(t, err, totpflow.ErrConfig)
		})
	}
	var p pigeon
	h := newHouse(t, withPhones(&p, func(c *totpflow.Config) { c.Phones.Destinations.Only = []string{"+49"} })...)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.BeginPhone(h.ctx, next.Challenge, mobile)
	require.ErrorIs(t, err, phone.ErrDestination)
	_, err = h.BeginPhone(h.ctx, nil, mobile)
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginPhone(h.ctx, next.Challenge, phone.Number{})
	require.ErrorIs(t, err, phone.ErrNumber)
	page, err := h.BeginEnrollment(h.ctx, next.Challenge)
	require.NoError(t, err)
	_, err = h.SendSetUpCode(h.ctx, page.Token, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrEnrollment, "a token of an app's set-up")
}

func (h *house) ring() *keyring.Ring {
	h.t.Helper()
	keys, err := keyring.Parse(h.keys)
	require.NoError(h.t, err)
	return keys
}
