package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/throttle"
)

// everything returns a record in which every part is present and every list has an entry.
// No flow makes one like it.
func everything(t *testing.T) Account {
	a, b, c := full(t), closed(t), ofTenant(t)
	a.Enrollment = manyAuthenticators(t, at, "Phone")
	a.Grace, a.Issued, a.Freeze, a.Suspicion, a.Assigned, a.Machine = b.Grace, b.Issued, b.Freeze, b.Suspicion, b.Assigned, b.Machine
	a.Phones, a.Sends, a.Tenant = manyPhones(t, at), b.Sends, c.Tenant
	a.Resets, a.Window, a.Notifying = b.Resets, b.Window, b.Notifying
	a.Tenant.Pending = []Request{{ID: "one", Asked: at, Before: c.Tenant.Policy, Policy: c.Tenant.Policy, Targets: []string{"42"}}}
	a.Budget = a.Budget.Fail(at.Add(-time.Hour), throttle.Default(), "T0", 3).Fail(at, throttle.Default(), "T1", 3)
	a.Activity = event.Activity{}
	a.Phones, _ = a.Phones.Remove(a.Phones.Phones()[2].ID)
	n, err := phone.ParseNumber("+447700900777")
	require.NoError(t, err)
	a.Phones, _, err = a.Phones.Add(at, n)
	require.NoError(t, err)
	for _, kind := range append([]event.Kind{"later"}, event.Kinds()...) {
		a.Activity, _ = a.Activity.Append(event.Event{
			At: at, Kind: kind, Reason: "r", Method: "m", Authenticator: "a", Browser: "b", Actor: "A", Action: "c", Remaining: 1, Until: at.Add(time.Hour),
			Source: event.Source{Address: "d", UserAgent: "u"},
		})
	}
	return a
}

// The package comment describes the record as it is.
func TestDocDescribesTheRecord(t *testing.T) {
	a := everything(t)
	wiretest.Documented(t, "doc.go", &a)
}
