package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Settings of two levels; a level that cannot be read causes a refusal.
type settings struct {
	provider, customer policy.Policy
	customerErr        error
}

func (s settings) Policy(_ context.Context, id store.AccountID) (policy.Policy, error) {
	if s.customerErr != nil {
		return policy.Policy{}, fmt.Errorf("settings of %s: %w", id.Tenant, s.customerErr)
	}
	return policy.Strictest(s.provider, s.customer), nil
}

var _ policy.Source = settings{}

// Of the provider's and the customer's settings, the strictest applies in every respect.
func Example() {
	source := settings{
		provider: policy.Policy{Mode: policy.Optional, BrowserAge: 14 * 24 * time.Hour},
		customer: policy.Policy{Mode: policy.Required}, // 30 days, the default
	}
	p, err := source.Policy(context.Background(), store.AccountID{Tenant: "acme", User: "alice"})
	fmt.Println(p.Mode, p.TrustFor(), err)

	source.customerErr = errors.New("database is down")
	_, err = source.Policy(context.Background(), store.AccountID{Tenant: "acme", User: "alice"})
	fmt.Println(err)
	// Output:
	// required 336h0m0s <nil>
	// settings of acme: database is down
}

// Two weeks for each person to set up a phone, and an end for everybody.
func ExamplePolicy_GraceUntil() {
	p := policy.Policy{
		Mode:     policy.Required,
		Grace:    14 * 24 * time.Hour,
		Deadline: time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC),
	}
	april := time.Date(2026, time.April, 7, 9, 0, 0, 0, time.UTC)
	may := time.Date(2026, time.May, 28, 9, 0, 0, 0, time.UTC)
	fmt.Println(p.GraceUntil(april))
	fmt.Println(p.GraceUntil(may))
	fmt.Println(policy.Policy{Mode: policy.Required}.GraceUntil(may).IsZero())
	// Output:
	// 2026-04-21 09:00:00 +0000 UTC
	// 2026-06-01 00:00:00 +0000 UTC
	// true
}

// A change of the settings that asks for less in any respect should require more than one
// that does not.
func ExampleLowers() {
	was := policy.Policy{Mode: policy.Required}
	fmt.Println(policy.Lowers(was, policy.Policy{Mode: policy.Required, BrowserAge: 7 * 24 * time.Hour}, time.Now()))
	fmt.Println(policy.Lowers(was, policy.Policy{Mode: policy.Required, IssuedCode: true, Grace: 24 * time.Hour}, time.Now()))
	fmt.Println(policy.Lowers(was, policy.Policy{Mode: policy.Optional}, time.Now()))
	// Output:
	// false
	// true
	// true
}

// The boxes of a settings form. An authenticator app is always allowed.
func ExampleParseMethods() {
	m, err := policy.ParseMethods("recovery-codes", "phone")
	fmt.Println(m, m.Has(policy.App), m.Has(policy.External), err)
	m, err = policy.ParseMethods("carrier-pigeon")
	fmt.Println(m, err)
	// Output:
	// app,recovery-codes,phone true false <nil>
	// app policy: unknown method "carrier-pigeon"
}

func ExamplePolicy_MarshalJSON() {
	data, err := json.Marshal(policy.Policy{Mode: policy.Required, Grace: 14 * 24 * time.Hour, Methods: policy.App | policy.RecoveryCodes})
	fmt.Println(string(data), err)

	var p policy.Policy
	err = json.Unmarshal([]byte(`{"v":1,"mode":"off","office_hours_only":true}`), &p)
	fmt.Println(p.Mode, err)
	// Output:
	// {"v":1,"mode":"required","grace":"336h0m0s","methods":["app","recovery-codes"]} <nil>
	// required policy: malformed policy: strictjson: json: unknown field "office_hours_only"
}
