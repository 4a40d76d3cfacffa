package admin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/totp"
)

// A secret that an earlier import gave to another account is found, in any tenant;
// importing the same row again is not reported.
func TestSharedSecrets(t *testing.T) {
	h := newHarness(t)
	office := admin.New(h.Service, nil)
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	fresh, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	shared, err := office.SharedSecrets(h.Ctx, ops, []admin.Imported{
		{ID: anaID, Key: rfcKey(t)},
		{ID: totpflow.AccountID{Tenant: "globex", User: "ben"}, Key: rfcKey(t)},
		{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}, Key: fresh},
		{ID: totpflow.AccountID{Tenant: "acme", User: "tom"}},
	})
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, false, false}, shared)
	_, err = office.SharedSecrets(h.Ctx, admin.Operator{}, nil)
	require.ErrorIs(t, err, admin.ErrNotAllowed)
}
