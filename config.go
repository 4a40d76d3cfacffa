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

// Config configures a [Service]. Issuer, Store and Keys are required.
type Config struct {
	// Issuer is the product's name as the authenticator app shows it, such as "Acme
	// Backup". It must not contain a colon.
	Issuer string

	// Store keeps one sealed record per account: [sqlstore.New], or
	// [store.NewMemory] for tests.
	Store store.Store

	// Keys seals the records and signs the tokens: [keyring.Parse].
	Keys *keyring.Ring

	// Policy decides for whom the second factor is off, optional or required. If it is
	// nil, the policy that administrators set for their tenant applies
	// (admin.Admin.SetPolicy, kept in Store); until they set one, the factor is optional.
	// A host that decides by more than tenant and role writes its own Source, which may
	// ask admin.TenantPolicies and combine the two with policy.Strictest.
	Policy policy.Source

	// ParentTenants returns the tenants above a tenant, nearest first: the customer of
	// a unit, the provider of a customer. Their policies apply to it as well, and the
	// strictest wins. Their administrators may act on its accounts where the host's
	// admin.Rule lets them. Nil: no tenant is above another.
	ParentTenants func(ctx context.Context, tenant string) ([]string, error)

	// Role returns the role of an account, by its name in policies (policy.Policy.Roles),
	// and "" for none. It is called at each decision whose policy has roles. An error
	// refuses. Nil: the strictest mode of a policy applies.
	Role func(ctx context.Context, id AccountID) (string, error)

	// Mandatory reports whether a tenant must require the second factor of everybody in
	// it, such as a provider whose administrators reach its customers. Its policy counts
	// as Required whatever is set, and a milder one cannot be set. It is called at each
	// decision. An error refuses. Nil: no tenant must.
	Mandatory func(ctx context.Context, tenant string) (bool, error)

	// Observer is called with every event, on the goroutine of the flow, after the write
	// was acknowledged. It is for logs and metrics; event.Tee combines several. Nil logs
	// to Logger.
	Observer event.Observer

	// Flows is called after each call of the Service, its Accounts or package admin, with
	// the outcome, the duration, and how often another writer was faster. It is for
	// metrics and traces; module otel has an implementation. Nil: nothing is measured.
	Flows event.FlowObserver

	// Notifier notifies people of what happened to their account, by mail for example, in
	// the background and at least once. If it puts [Service.NewDisownToken] into its
	// mails, make it a method of a struct whose Service is set afterwards. All processes
	// that share a store must use the same notifier, or event.Deferred, and at least one
	// of them must call [Service.Deliver] every minute. Nil: nobody is notified.
	Notifier event.Notifier

	// Logger gets what the library itself reports to operators: at Error a store that
	// fails, a record that does not open, a policy that cannot be read (also where
	// ParentTenants, Role or Mandatory fails) and an observer that panics; at Warn a
	// notification that failed or was given up, a flow that lost too many races, a clock
	// that was moved and the future times that it left; at Debug lost races and callers who
	// hung up. Each kind logs at most one line a minute for an account, with the number of
	// lines held back (held_back), and all kinds together at most a thousand lines a
	// minute. Nil is [slog.Default].
	Logger *slog.Logger

	// Audience separates installations that share a store and a ring but not
	// their sign-ins: a browser trusted by one means nothing to another. The
	// default is Issuer.
	Audience string

	// Params are the parameters of new authenticators. The zero value is SHA-1, 6
	// digits, 30 seconds: the only choice that every app reads the same way.
	Params totp.Params

	// Strict follows the letter of NIST SP 800-63B: 100 failures in a row close the
	// authenticator, no browser is trusted, and the window reaches one step into the past
	// and none into the future. The default is one step either way (RFC 6238 §5.2).
	Strict bool

	// Phones lets the service send codes by SMS and voice, to accounts whose policy
	// allows the method. Nil: no codes are sent.
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

// checkInterfaces refuses interfaces that are not nil but cannot be used: otherwise the
// mistake shows only at the first event, or at the first sign-in.
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
