package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
)

// The rules that a customer or a provider sets for the people of its units apply: the
// command shows them as soon as --above names the tenants above.
func TestAbove(t *testing.T) {
	h := newInstallation(t)
	h.above = map[string][]string{"acme-berlin": {"acme", "north, inc"}, "acme": {"north, inc"}}
	h.ok("policy", "set", "--tenant", "north, inc", "--mode", "required", "--grace", "14d", reason, "--yes")
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme-berlin", User: "ben"}}
	require.Equal(t, totpflow.Passed, h.step(ben), "his time begins")
	chain := []string{"--above", "acme", "--above", "north, inc"}

	type shape struct {
		State    string
		Required bool
	}
	status := func(args ...string) shape {
		t.Helper()
		return decode[shape](t, h.ok(append(args, "status", "ben", "--tenant", "acme-berlin", "--json")...))
	}
	list := func(args ...string) []shape {
		t.Helper()
		return decode[struct{ Accounts []shape }](t, h.ok(append(args, "list", "--tenant", "acme-berlin", "--json")...)).Accounts
	}
	for _, c := range []struct {
		above []string
		want  shape
	}{
		{nil, shape{"disabled", false}},                         // not known here
		{[]string{"--above", "acme"}, shape{"disabled", false}}, // which requires nothing itself
		{chain, shape{"grace", true}},
	} {
		require.Equal(t, c.want, status(c.above...), "%q", c.above)
		require.Equal(t, []shape{c.want}, list(c.above...), "%q", c.above)
	}
	require.Contains(t, h.ok(append(chain, "status", "ben", "--tenant", "acme-berlin")...).out, "grace: has to set up")
	require.Contains(t, h.ok(append(chain, "list", "--tenant", "acme-berlin", "--csv")...).out, "acme-berlin,ben,,grace,")
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", "--deadline", "2020-01-01T00:00:00Z", reason, "--yes")
	require.Equal(t, shape{"required", true}, status(chain...), "the strictest of them")

	for _, command := range [][]string{{"status", "ben"}, {"list"}, {"grace", "ben", "--for", "7d", reason, "--yes"}} {
		h.fails(2, "name it with --tenant", append(command, chain...)...)
		h.fails(2, "--above: ", append(command, "--tenant", "acme-berlin", "--above", "a\nb")...)
	}
	for _, command := range [][]string{{"unlock", "ben"}, {"policy", "get"}, {"keys", "check"}} {
		h.fails(2, "unknown flag", append(command, chain...)...)
	}
}
