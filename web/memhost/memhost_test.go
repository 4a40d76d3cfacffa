package memhost_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/hosttest"
	"github.com/totpflow/totpflow/web/memhost"
)

var (
	ana = totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "1"}, Name: "ana@acme.example"}
	ben = totpflow.User{ID: totpflow.AccountID{Tenant: "north", User: "2"}, Name: "ben@north.example"}
)

func host() *memhost.Host {
	h := memhost.New()
	h.Add(ana, "correct horse")
	h.Add(ben, "battery staple")
	return h
}

func TestHost(t *testing.T) {
	hosttest.Run(t, func(*testing.T) hosttest.Fixture {
		return hosttest.Fixture{Host: host(), User: ana, Password: "correct horse", Other: ben}
	})
}

func TestLogIn(t *testing.T) {
	h := host()
	u, err := h.LogIn(t.Context(), "Ana@acme.example", "correct horse")
	require.NoError(t, err)
	require.Equal(t, ana, u)
	for _, bad := range [][2]string{{"ana@acme.example", "battery staple"}, {"nobody", ""}, {"", ""}} {
		_, err = h.LogIn(t.Context(), bad[0], bad[1])
		require.ErrorIs(t, err, web.ErrPassword)
	}
	require.NoError(t, h.SetPassword(ana.ID, "new"))
	_, err = h.LogIn(t.Context(), ana.Name, "correct horse")
	require.ErrorIs(t, err, web.ErrPassword)
	_, err = h.LogIn(t.Context(), ana.Name, "new")
	require.NoError(t, err)
	h.Remove(ana.ID)
	require.Error(t, h.SetPassword(ana.ID, "newer"))
	_, err = h.LogIn(t.Context(), ana.Name, "new")
	require.ErrorIs(t, err, web.ErrPassword)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = h.CheckPassword(ctx, ben.ID, "battery staple")
	require.True(t, err != nil && !errors.Is(err, web.ErrPassword), err)
}

// A generation never goes down.
func TestKeepGeneration(t *testing.T) {
	h := host()
	for _, g := range []uint64{3, 2} {
		require.NoError(t, h.KeepGeneration(t.Context(), ana.ID, g))
	}
	u, err := h.LogIn(t.Context(), ana.Name, "correct horse")
	require.NoError(t, err)
	require.Equal(t, uint64(3), u.Generation)
}
