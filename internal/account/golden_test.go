package account

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// closed returns an account that administrators have changed, and that its owner froze
// with "it was not me": it has the fields that full lacks.
func closed(t testing.TB) Account {
	t.Helper()
	_, issued := recovery.Issue(at)
	a := Account{
		Generation:  9,
		Revocations: 4,
		PasswordAt:  at,
		Resets:      resets(t),
		Window:      window(),
		Grace:       Grace{Begun: at, Until: at.Add(time.Hour)},
		Issued:      Issued{Set: issued, At: at},
		Suspicion:   Suspicion{CodeOnly: true, Redeemed: true, NewPassword: true},
		Machine:     "nightly backup",
		Freeze:      Freeze{At: at, Ended: at.Add(-time.Hour), UpTo: 7},
		Phones:      manyPhones(t, at),
		Assigned:    "+436601234567",
		Sends:       fewSends(t),
		Notifying:   Notifying{By: 1 << 63, Since: at},
	}
	var err error
	a.Enrollment, err = a.Enrollment.Reset(at)
	require.NoError(t, err)
	a.Activity, _ = a.Activity.Append(event.Event{At: at, Kind: event.Frozen})
	return a
}

// window returns a window that is half used.
func window() Window {
	key := [16]byte{1, 2, 3}
	w := NewWindow(key, "1.1.AAAAAAAAAAAAAAAAAAAAAA", at, []string{"reset account", "issue recovery code"}, []store.AccountID{{Tenant: "acme", User: "42"}, {Tenant: "acme", User: "43"}})
	w, _ = w.Use(key, w.Mark, at, "reset account", w.Targets[0].ID)
	return w
}

// resets returns the resets of an administrator.
func resets(t testing.TB) throttle.Rate {
	t.Helper()
	r, err := throttle.Rate{}.Take(at, 5, time.Hour)
	require.NoError(t, err)
	return r
}

// ofTenant returns a tenant's record with every field set.
func ofTenant(t testing.TB) Account {
	t.Helper()
	p := policy.Policy{
		Mode: policy.Required, Grace: 14 * 24 * time.Hour, Deadline: at, BrowserAge: -1, Methods: policy.App | policy.Phone,
		IssuedCode: true, TwoAdministrators: true, AssignedPhones: true,
	}
	var err error
	p.Roles, err = policy.NewRoles(map[string]policy.Mode{"guest": policy.Off, "partner": policy.Optional})
	require.NoError(t, err)
	a := Account{Sends: fewSends(t)}
	a.Tenant.Policy = &p
	for _, q := range []Request{
		{ID: "one", Action: "set policy", By: store.AccountID{Tenant: "acme", User: "boss"}, Mark: "1.1.AAAAAAAAAAAAAAAAAAAAAA", Asked: at, Before: &policy.Policy{Mode: policy.Required}, Policy: &p},
		{ID: "two", Action: "reset account", By: store.AccountID{User: "boss"}, Asked: at, Targets: []string{"42", "43"}, Scope: "all"},
		{ID: "three", Action: "exempt account", By: store.AccountID{User: "boss"}, Asked: at, Targets: []string{"42"}, Name: "nightly backup"},
	} {
		var err error
		a.Tenant, err = a.Tenant.AddRequest(q, at)
		require.NoError(t, err)
	}
	a.Activity, _ = a.Activity.Append(event.Event{At: at, Kind: event.PolicySet, Actor: "boss"})
	return a
}

// The stored format. A change to these files is a change to every record: it requires
// another format.
func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		make func(testing.TB) Account
		look func(t *testing.T, a Account)
	}{
		"account": {full, func(t *testing.T, a Account) {
			require.EqualValues(t, 3, a.Generation)
			require.Equal(t, enroll.Active, a.Enrollment.State(at))
			require.Equal(t, 10, a.Recovery.Remaining())
			require.Len(t, a.Browsers, 1)
			require.Equal(t, 1, a.Budget.ConsecutiveFailures())
			require.True(t, a.IsSpent("T1", at))
			require.EqualValues(t, 1, a.Activity.Last())
		}},
		"closed": {closed, func(t *testing.T, a Account) {
			require.Equal(t, enroll.ResetPending, a.Enrollment.State(at))
			require.Equal(t, at, a.PasswordAt)
			require.EqualValues(t, 4, a.Revocations)
			require.Equal(t, resets(t), a.Resets)
			require.Equal(t, window(), a.Window)
			require.Equal(t, Grace{Begun: at, Until: at.Add(time.Hour)}, a.Grace)
			require.True(t, a.Issued.Live(at))
			require.True(t, a.CodeDemanded(at))
			require.Equal(t, "nightly backup", a.Machine)
			require.True(t, a.Frozen())
			require.Equal(t, at.Add(-time.Hour), a.Freeze.Ended)
			require.EqualValues(t, 7, a.Freeze.UpTo)
			require.Len(t, a.Phones.Phones(), 3)
			require.Equal(t, "+436601234567", a.Assigned)
			require.Equal(t, fewSends(t), a.Sends)
			require.Equal(t, Notifying{By: 1 << 63, Since: at}, a.Notifying)
		}},
		"tenant": {ofTenant, func(t *testing.T, a Account) {
			want := ofTenant(t)
			require.Equal(t, want.Tenant, a.Tenant)
			require.Equal(t, want.Activity, a.Activity)
			require.Equal(t, want.Sends, a.Sends)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.make(t)
			c.look(t, wiretest.Golden(t, filepath.Join("testdata", name), &a))
			wiretest.Strict(t, &a)
		})
	}
}

// Between them the golden accounts have every field set, so that a field that is added is
// frozen too.
func TestGoldenHasEveryField(t *testing.T) {
	for i := range reflect.TypeFor[Account]().NumField() {
		has := reflect.TypeFor[Account]().Field(i).Name == "format" // not a part of what it says
		for _, a := range []Account{full(t), closed(t), ofTenant(t)} {
			has = has || !reflect.ValueOf(a).Field(i).IsZero()
		}
		require.True(t, has, reflect.TypeFor[Account]().Field(i).Name)
	}
}
