package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
)

// inDays returns a time in the form that --until accepts.
func inDays(n int) string {
	return time.Now().Add(time.Duration(n) * 24 * time.Hour).UTC().Format(time.RFC3339)
}

func TestGrace(t *testing.T) {
	h := newInstallation(t)
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", reason, "--yes")
	ana := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ana"}}
	require.Equal(t, totpflow.Enroll, h.step(ana))
	require.Equal(t, []string{"grace_extended"}, h.ok("grace", "ana", "--tenant", "acme", "--for", "7d", reason, "--yes").events())
	require.Equal(t, totpflow.Passed, h.step(ana))
	require.WithinDuration(t, time.Now().Add(7*24*time.Hour), h.status(ana).GraceUntil, time.Minute)
	until := inDays(8)
	h.ok("grace", "ana", "--tenant", "acme", "--until", until, reason, "--yes")
	require.Equal(t, until, h.status(ana).GraceUntil.Format(time.RFC3339))
	for _, bad := range [][]string{{"--for", "91d"}, {"--until", "2020-01-01T00:00:00Z"}} {
		r := h.fails(1, "within 90 days", append([]string{"grace", "ana", "--tenant", "acme", reason, "--yes"}, bad...)...)
		require.NotContains(t, r.err, "anyway")
	}
	for _, bad := range [][]string{{}, {"--for", "1d", "--until", "2030-01-01T00:00:00Z"}, {"--for", "soon"}, {"--for", "-1h"}, {"--until", "2030-01-01"}} {
		h.fails(2, "", append([]string{"grace", "ana", "--tenant", "acme", reason, "--yes"}, bad...)...)
	}
}

// More time is more: an end that is not later is refused, and the error names the current
// end.
func TestGraceIsNeverLess(t *testing.T) {
	h := newInstallation(t)
	h.above = map[string][]string{"acme-berlin": {"acme"}}
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", "--grace", "60d", reason, "--yes")
	for _, u := range []totpflow.User{{ID: totpflow.AccountID{Tenant: "acme", User: "ana"}}, {ID: totpflow.AccountID{Tenant: "acme-berlin", User: "ben"}}} {
		args := []string{"grace", u.ID.User, "--tenant", u.ID.Tenant, "--above", "acme", reason, "--yes"}
		if u.ID.Tenant == "acme" {
			args = []string{"grace", u.ID.User, "--tenant", u.ID.Tenant, reason, "--yes"}
		}
		h.fails(1, "would have time, by signing in now, until 2", append(args, "--for", "14d")...)
		require.Equal(t, totpflow.Passed, h.step(u))
		has := h.status(u).GraceUntil
		r := h.fails(1, ": already has time until "+has.Format(time.DateTime)+"Z; choose a later end", append(args, "--for", "14d")...)
		require.Empty(t, r.events())
		require.Equal(t, has, h.status(u).GraceUntil)
		h.ok(append(args, "--for", "61d")...)
	}
}

// The command must not report more time for people who do not get it.
func TestGraceForNobody(t *testing.T) {
	h := newInstallation(t)
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", reason, "--yes")
	h.enroll("acme", "enrolled")
	h.enroll("acme", "was-reset")
	h.ok("reset", "was-reset", "--tenant", "acme", reason, "--yes")
	h.ok("exempt", "machine", "--tenant", "acme", "--name", "fs01", reason, "--yes")
	for _, user := range []string{"enrolled", "was-reset", "machine"} {
		before, err := h.store.Get(h.ctx, acme(user))
		require.NoError(t, err)
		r := h.fails(1, "acme/"+user+": more time would change nothing", "grace", user, "--tenant", "acme", "--for", "7d", reason, "--yes")
		require.Empty(t, r.out)
		require.Empty(t, r.events())
		now, err := h.store.Get(h.ctx, acme(user))
		require.NoError(t, err)
		require.Equal(t, before, now)
	}
}

// A grace period that begins at the next sign-in has no end yet: showing one would show a
// different one each time.
func TestGraceThatHasNotBegun(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-10 * time.Minute)) // the command has the machine's clock
	ana := h.enroll("acme", "ana")
	proof, err := h.service().Account(ana.User).VerifyCode(h.ctx, totpflow.ActionDisable.On(""), ana.phone.Code())
	require.NoError(t, err)
	require.NoError(t, second(h.service().Account(ana.User).Disable(h.ctx, proof)))
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", "--grace", "14d", reason, "--yes")
	type shape struct {
		State       string
		GraceUntil  time.Time `json:"grace_until"`
		GraceBegins bool      `json:"grace_begins"`
	}
	look := func() (shape, string, string) {
		t.Helper()
		of := []string{"--tenant", "acme"}
		got := decode[shape](t, h.ok(append(of, "status", "ana", "--json")...))
		require.Equal(t, []shape{got}, decode[struct{ Accounts []shape }](t, h.ok(append(of, "list", "--json")...)).Accounts)
		return got, h.ok(append(of, "status", "ana")...).out, h.ok(append(of, "list", "--csv")...).out
	}
	got, page, csv := look()
	require.Equal(t, shape{State: "grace", GraceBegins: true}, got)
	require.Contains(t, page, "grace: has to set up; the grace period begins at the next sign-in\n")
	require.Contains(t, csv, "acme,ana,,grace,true,,")

	require.Equal(t, totpflow.Passed, h.step(ana.User))
	until := h.status(ana.User).GraceUntil
	got, page, csv = look()
	require.Equal(t, shape{State: "grace", GraceUntil: until}, got)
	require.Contains(t, page, "grace: has to set up until "+until.Format(time.DateTime)+"Z\n")
	require.Contains(t, csv, "acme,ana,,grace,true,"+until.Format(time.RFC3339))
}
