package admin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// An operator requires the second factor in a tenant and imports two authenticators. An
// administrator then resets a person, and proves it with their own code.
func Example() {
	ctx := context.Background()
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	keys, _ := keyring.Parse(keyring.Generate())
	mfa, err := totpflow.New(totpflow.Config{
		Issuer:   "Acme Backup",
		Store:    store.NewMemory(),
		Keys:     keys,
		Observer: event.Slog(slog.New(slog.DiscardHandler)),
		Now:      clock.Now,
	})
	if err != nil {
		panic(err)
	}
	boss := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "1"}}
	ana := totpflow.AccountID{Tenant: "acme", User: "42"}
	office := admin.New(mfa, func(_ context.Context, actor totpflow.User, _ totpflow.Action, _ totpflow.AccountID) error {
		if actor.ID != boss.ID { // the host knows the roles of its users
			return errors.New("not an administrator")
		}
		return nil
	})

	root := admin.Operator{Name: "root", Reason: "ticket 7"}
	err = office.SetPolicy(ctx, root, "acme", policy.Policy{Mode: policy.Required})
	fmt.Println("policy:", err)
	const secret = "ORXXI4DGNRXXOLLFPBQW24DMMUWTAMBR" // the same secret as in the boss's app
	device, _ := totptest.TypeSecret(secret, clock)
	bosses, _ := totp.ParseSecret(secret, totp.Params{})
	anas, _ := totp.NewKey(totp.Params{})
	outcomes, err := office.Import(ctx, root, []admin.Imported{
		{ID: boss.ID, Key: bosses},
		{ID: ana, Key: anas},
	})
	fmt.Println("import:", outcomes[0].Err, outcomes[1].Err, err)

	proof, err := mfa.Account(boss).VerifyCode(ctx, admin.Purpose(admin.ActionResetAccount, ana), device.Code())
	fmt.Println("proof:", err)
	_, err = office.Reset(ctx, admin.Administrator{User: boss, Proof: proof}, ana, admin.ScopeAll)
	fmt.Println("reset:", err)

	for m, err := range office.List(ctx, root, store.Query{Tenant: "acme"}) {
		fmt.Println(m.ID.User, m.State, err)
	}

	// Output:
	// policy: <nil>
	// import: <nil> <nil> <nil>
	// proof: <nil>
	// reset: <nil>
	// 1 enabled <nil>
	// 42 required <nil>
}
