package totpflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// Config is what a [Service] is made of. Issuer, Store and Keys are required.
type Config struct {
	// Issuer is the product's name as the authenticator app shows it, such as
	// "Acme Backup". It may not contain a colon.
	Issuer string

	// Store keeps one sealed record per account: [sqlstore.New], or
	// [store.NewMemory] for tests.
	Store store.Store

	// Keys seals the records and signs the tokens: [keyring.Parse].
	Keys *keyring.Ring

	// Policy says for whom the second factor is off, optional or required. Nil
	// is what administrators set for their tenant (admin.Admin.SetPolicy), kept
	// in Store; until they do it is optional. A host that decides by more than
	// tenant and role has a Source of its own, which may ask admin.TenantPolicies and
	// combine the two with policy.Strictest.
	Policy policy.Source

	// ParentTenants returns the tenants above a tenant, nearest first: the customer of
	// a unit, the provider of a customer. Their policies count for it as well,
	// the strictest holds, and their administrators may act on its accounts,
	// where the host's admin.Rule lets them. Nil: there are none above.
	ParentTenants func(ctx context.Context, tenant string) ([]string, error)

	// Role returns the role of an account, by the names that policies know roles by
	// (policy.Policy.Roles), and "" for none. It is asked at each decision whose policy
	// knows roles. An error refuses. Nil: the strictest mode of a policy counts.
	Role func(ctx context.Context, id AccountID) (string, error)

	// Mandatory reports whether a tenant must require the second factor of everybody in
	// it, such as a provider whose administrators reach its customers. Its policy counts
	// as Required whatever is set, and no milder one can be set. It is asked at each
	// decision. An error refuses. Nil: none must.
	Mandatory func(ctx context.Context, tenant string) (bool, error)

	// Observer hears of everything that happens, on the goroutine of the flow, after
	// the write was acknowledged: for logs and metrics; several with event.Tee. Nil
	// logs to Logger.
	Observer event.Observer

	// Flows hears of every call of the Service, its Accounts and package admin when it
	// has ended: how, how long it took, and how often another writer was faster. It is
	// for metrics and traces; module otel has one. Nil: nobody hears of them, and
	// nothing is measured.
	Flows event.FlowObserver

	// Notifier notifies people of what happened to their account, by mail for example, in
	// the background and at least once. One that puts [Service.NewDisownToken] into
	// its mails is a method of a struct that is given the Service afterwards. All
	// processes that share a store have one, or event.Deferred, and one of them at least
	// calls [Service.Deliver] every minute. Nil: nobody is notified.
	Notifier event.Notifier

	// Logger gets what the library itself has to report to operators: at Error a store
	// that fails, a record that does not open, a policy that cannot be read and an
	// observer that panics; at Warn a notification that was not taken or was given up,
	// a flow that lost too many races, a clock that was moved and the times of the
	// future that it left; at Debug lost races and callers who hung up. One kind has one
	// line a minute for an account, with the number of those held back (held_back), and
	// all of them together have a thousand lines a minute. Nil is [slog.Default].
	Logger *slog.Logger

	// Audience separates installations that share a store and a ring but not
	// their sign-ins: a browser trusted by one means nothing to another. The
	// default is Issuer.
	Audience string

	// Params are those of new authenticators. The zero value is SHA-1, 6
	// digits, 30 seconds: the only choice that every app reads the same way.
	Params totp.Params

	// Strict follows the letter of NIST SP 800-63B: 100 failures in a row close
	// the authenticator, no browser is trusted, and the window is one step past
	// and none future. The default is one step either way (RFC 6238 §5.2).
	Strict bool

	// Phones let codes go by SMS and voice, to whom policy allows the method.
	// Nil: none are sent.
	Phones *phone.Delivery

	// Now is the clock. Nil is time.Now. Tests use a totptest.Clock.
	Now func() time.Time
}

// New returns a service, or an error that wraps [ErrConfig]. The service is
// safe for concurrent use; a program needs one.
func New(c Config) (*Service, error) {
	switch {
	case c.Store == nil:
		return nil, fmt.Errorf("%w: Store is missing", ErrConfig)
	case c.Keys == nil || len(c.Keys.IDs()) == 0:
		return nil, fmt.Errorf("%w: Keys is missing", ErrConfig)
	}
	// A trial key finds a bad Issuer or bad Params at start, not at the first
	// customer's enrollment.
	key, err := totp.NewKey(c.Params)
	if err != nil {
		return nil, fmt.Errorf("%w: Params: %w", ErrConfig, err)
	}
	if c.Issuer == "" {
		return nil, fmt.Errorf("%w: Issuer is missing", ErrConfig)
	}
	if _, err := key.URI(totp.Label{Issuer: c.Issuer, Account: "account"}); err != nil {
		return nil, fmt.Errorf("%w: Issuer: %w", ErrConfig, err)
	}
	phones, err := checkPhones(c.Phones)
	if err = errors.Join(err, c.checkInterfaces()); err != nil {
		return nil, err
	}
	e := engine.Config{
		Store:         c.Store,
		Keys:          c.Keys,
		Policy:        c.policySource(),
		ParentTenants: c.ParentTenants,
		Role:          c.Role,
		Mandatory:     c.Mandatory,
		Issuer:        c.Issuer,
		Audience:      cmp.Or(c.Audience, c.Issuer),
		Params:        c.Params,
		Window:        totp.Standard(),
		Limits:        throttle.Default(),
		Strict:        c.Strict,
		Observer:      c.observer(),
		Flows:         c.Flows,
		Outcome:       outcome,
		Notifier:      c.Notifier,
		Logger:        c.Logger,
		Now:           c.clock(),
	}
	if phones != nil {
		e.LongestLimit = phones.Limits.Longest()
	}
	if c.Strict {
		e.Window, e.Limits = totp.Window{Past: 1}, throttle.Strict()
	}
	return &Service{engine: engine.New(e), phones: phones}, nil
}

// checkInterfaces refuses interfaces that are not nil and cannot be used: the
// mistake would be found with the first event, and at the first sign-in.
func (c Config) checkInterfaces() error {
	if f, ok := c.Observer.(event.ObserverFunc); ok && f == nil {
		return fmt.Errorf("%w: Observer is an ObserverFunc without a function", ErrConfig)
	}
	if f, ok := c.Flows.(event.FlowObserverFunc); ok && f == nil {
		return fmt.Errorf("%w: Flows is a FlowObserverFunc without a function", ErrConfig)
	}
	if f, ok := c.Notifier.(event.NotifierFunc); ok && f == nil {
		return fmt.Errorf("%w: Notifier is a NotifierFunc without a function", ErrConfig)
	}
	if p, ok := c.Policy.(policy.Fixed); ok {
		if err := policy.Policy(p).Validate(); err != nil {
			return fmt.Errorf("%w: Policy: %w", ErrConfig, err)
		}
	}
	return nil
}

func (c Config) clock() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

func (c Config) policySource() policy.Source {
	if c.Policy == nil {
		return engine.TenantPolicies(c.Store, c.Keys, c.ParentTenants)
	}
	return c.Policy
}

func (c Config) observer() event.Observer {
	if c.Observer == nil {
		return event.Slog(c.Logger)
	}
	return c.Observer
}
