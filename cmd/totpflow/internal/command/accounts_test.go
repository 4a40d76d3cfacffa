package command_test

import (
	"context"
	"encoding/csv"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/totptest"
)

// account is the documented shape of an account with --json.
type account struct {
	Tenant, User, State string
	Authenticators      int
	WeakUntil           time.Time             `json:"weak_until"`
	RecoveryCodesLeft   int                   `json:"recovery_codes_left"`
	Browsers            []struct{ ID string } `json:"trusted_browsers"`
	Kept                []struct{ ID string }
	Bound               []struct{ ID, Name string }
	Activity            []event.Event
	Waiting             *struct {
		Until time.Time
		Pair  bool `json:"two_codes_in_a_row"`
	}
}

func (h *installation) account(user string) account {
	h.t.Helper()
	return decode[account](h.t, h.ok("status", user, "--tenant", "acme", "--json"))
}

func TestStatus(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	s := h.service()
	_, err := s.TrustBrowser(h.ctx, h.passes(ana).Proof, "Firefox on \x1b[31mLinux")
	require.NoError(t, err)
	got := h.account("ana")
	require.Equal(t, "enabled", got.State)
	require.Equal(t, 10, got.RecoveryCodesLeft)
	require.Len(t, got.Browsers, 1)
	require.Equal(t, "Authenticator", got.Bound[0].Name)
	require.Equal(t, event.BrowserTrusted, got.Activity[0].Kind)

	r := h.ok("status", "ana", "--tenant", "acme")
	for _, words := range []string{"acme/ana", "enabled", "id " + got.Bound[0].ID, "id " + got.Browsers[0].ID, "10 left", "browser_trusted"} {
		require.Contains(t, r.out, words)
	}
	require.NotContains(t, r.out, "\x1b", "what came from a browser does not paint the terminal")
	require.Empty(t, r.err, "to look is no event")

	h.fails(3, "acme/nobody: the account was not found", "status", "nobody", "--tenant", "acme")
	h.fails(3, "ana: the account was not found", "status", "ana")
	h.fails(2, "control character", "status", "a\nb")
	h.fails(2, "the library's own", "status", "totpflow:tenant", "--tenant", "acme")
}

func TestStatusOfWrongCodes(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	for range 6 {
		s := h.service()
		next, err := s.SignIn(h.ctx, ana.User)
		require.NoError(t, err)
		_, err = s.VerifyCode(h.ctx, next.Challenge, ana.phone.WrongCode())
		require.Error(t, err)
	}
	got := h.account("ana")
	require.NotNil(t, got.Waiting)
	require.True(t, got.Waiting.Pair)
	require.Contains(t, h.ok("status", "ana", "--tenant", "acme").out, "two codes in a row get in")

	r := h.ok("unlock", "ana", "--tenant", "acme", reason, "--yes")
	require.Equal(t, []string{"unlocked"}, r.events())
	require.Nil(t, h.account("ana").Waiting)
	h.passes(ana)
}

func TestList(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.enroll("acme", "=HYPERLINK(1)")
	h.enroll("globex", "ben")
	h.enroll("", "solo")
	h.ok("reset", "ana", "--tenant", "acme", reason, "--yes")
	h.ok("exempt", "agent", "--tenant", "acme", "--name", "@SUM(1)", reason, "--yes")

	type list struct {
		Accounts []account
		Counts   admin.Counts
	}
	users := func(args ...string) (names []string) {
		for _, a := range decode[list](t, h.ok(append(args, "list", "--json")...)).Accounts {
			names = append(names, a.Tenant+"/"+a.User)
		}
		return names
	}
	require.Equal(t, []string{"/solo", "acme/=HYPERLINK(1)", "acme/agent", "acme/ana", "globex/ben"}, users())
	require.Equal(t, []string{"globex/ben"}, users("--tenant", "globex"))
	require.Equal(t, []string{"/solo"}, users("--tenant", ""), "the empty tenant is one, not all")
	require.Equal(t, []string{"acme/ana"}, users("--state", "required"))
	require.Empty(t, users("--tenant", "nobody's"))
	require.Equal(t, admin.Counts{Total: 5, Enabled: 3, Required: 1, Exempt: 1}, decode[list](t, h.ok("list", "--json")).Counts)
	require.Contains(t, h.ok("list").out, "5 accounts; 3 of 4 have set it up, 1 exempt")

	// A spreadsheet must not run the name that somebody gave an account.
	r := h.ok("list", "--csv", "--tenant", "acme")
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "tenant", rows[0][0])
	require.Len(t, rows, 4)
	for _, row := range rows {
		for _, cell := range row {
			require.False(t, strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r"), "%q", cell)
		}
	}
	h.fails(2, "--state must be one of", "list", "--state", "tenant")
	h.fails(2, "cannot be combined", "list", "--csv", "--json")
}

func TestReset(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-10 * time.Minute)) // each code moves it on, and the command has the machine's clock
	for scope, then := range map[string]account{
		"all":            {State: "required", RecoveryCodesLeft: 0},
		"authenticators": {State: "required", RecoveryCodesLeft: 10},
		"browsers":       {State: "enabled", RecoveryCodesLeft: 10, Authenticators: 1},
		"codes":          {State: "enabled", RecoveryCodesLeft: 0, Authenticators: 1},
	} {
		p := h.enroll("acme", "user-"+scope)
		_, err := h.service().TrustBrowser(h.ctx, h.passes(p).Proof, "Firefox")
		require.NoError(t, err)
		r := h.ok("reset", p.ID.User, "--tenant", "acme", "--scope", scope, reason, "--yes", "--json")
		require.Len(t, r.events(), 1, scope)
		require.Contains(t, r.err, `actor="operator olga"`)
		require.Contains(t, r.err, `reason="ticket 4711"`)
		got := decode[struct{ Account account }](t, r).Account
		require.Equal(t, then.State, got.State, scope)
		require.Equal(t, then.RecoveryCodesLeft, got.RecoveryCodesLeft, scope)
		require.Equal(t, then.Authenticators, got.Authenticators, scope)
		require.Equal(t, scope == "codes", len(got.Browsers) == 1, scope)
	}
	h.clock.Set(time.Now())
	require.Equal(t, totpflow.Enroll, h.step(totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "user-all"}}))
	h.fails(2, "--scope must be one of", "reset", "user-all", "--tenant", "acme", "--scope", "some", reason, "--yes")
	h.fails(3, "the account was not found", "reset", "nobody", "--tenant", "acme", reason, "--yes")
	h.fails(2, "<user> is missing", "reset", reason, "--yes")
}

// A reset that would clear nothing is refused: it would report a success, and end only the
// person's sessions and grace period. The other commands refuse what changes nothing as well.
func TestNothingToReset(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-10 * time.Minute)) // each code moves it on, and the command has the machine's clock
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", "--grace", "7d", reason, "--yes")
	bare := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "bare"}} // in the grace period, with nothing set up
	require.Equal(t, totpflow.Passed, h.step(bare))
	h.enroll("acme", "ana")
	h.enrollPhone("acme", "ben")
	h.ok("exempt", "fs01", "--tenant", "acme", "--name", "nightly", reason, "--yes")
	eva := h.enroll("acme", "eva")
	h.disown(eva)
	h.ok("reset", "ana", "--tenant", "acme", "--scope", "codes", reason, "--yes")

	const none = "nothing to reset: "
	for _, x := range []struct{ user, scope, says string }{
		{"bare", "all", "the account has no second factor"},
		{"bare", "authenticators", "the account has no second factor"},
		{"bare", "browsers", "the account has no trusted browsers"},
		{"bare", "codes", "the account has no recovery codes"},
		{"ana", "browsers", "the account has no trusted browsers"},
		{"ana", "codes", "the account has no recovery codes"},
		{"fs01", "browsers", "the account has no trusted browsers"},
	} {
		before, err := h.store.Get(h.ctx, acme(x.user))
		require.NoError(t, err)
		r := h.fails(1, "acme/"+x.user+": "+none+x.says, "reset", x.user, "--tenant", "acme", "--scope", x.scope, reason, "--yes", "--json")
		require.Empty(t, r.out, x)
		require.Empty(t, r.events(), x)
		now, err := h.store.Get(h.ctx, acme(x.user))
		require.NoError(t, err)
		require.Equal(t, before, now, x)
	}
	require.Equal(t, totpflow.Passed, h.step(bare))
	h.tty = true
	require.NotContains(t, h.fails(1, none, "reset", "bare", "--tenant", "acme", reason).err, "[y/N]", "before the question")
	h.tty = false

	// Of many, those with nothing to reset are refused, in the preview too.
	args := []string{"reset", "ana", "bare", "ben", "nobody", "--tenant", "acme", reason}
	for _, yes := range []string{"--yes=false", "--yes"} {
		r := h.fails(4, "2 of 4 were refused", append(args, yes)...)
		require.Contains(t, r.out, "acme/bare: refused: nothing to reset: the account has no second factor\nacme/ben: ", yes)
		require.Contains(t, r.out, "acme/nobody: refused: the account was not found; check the id and --tenant\n", yes)
		require.Equal(t, yes == "--yes", len(r.events()) == 3, r.err)
	}
	require.Equal(t, totpflow.Passed, h.step(bare))
	r := h.fails(4, "2 of 2 were refused", "reset", "bare", "nobody", "--tenant", "acme", reason, "--yes")
	require.Empty(t, r.events())

	// An account that was reset before can be reset again, which starts another 24 hours.
	// Machine accounts and frozen accounts can be reset too.
	for _, user := range []string{"ana", "ben", "fs01", "eva"} {
		h.ok("reset", user, "--tenant", "acme", reason, "--yes")
	}
}

// An account that was not locked is not reported as unlocked.
func TestNothingToUnlock(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	require.Equal(t, "acme/ana: neither frozen nor locked for codes of the app; all counts toward a lock start again\n", h.ok("unlock", "ana", "--tenant", "acme", reason, "--yes").out)
	h.disown(ana)
	require.Equal(t, "acme/ana: unlocked\n", h.ok("unlock", "ana", "--tenant", "acme", reason, "--yes").out)
}

// The operator's run logs the event, and the record keeps it: the product's notifier
// hears of it a few minutes later, and writes the mail.
func TestProductHearsOfIt(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.ok("reset", "ana", "--tenant", "acme", reason, "--yes")
	var told []event.Notification
	product, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: h.store, Keys: h.ring(), Now: func() time.Time { return time.Now().Add(5 * time.Minute) },
		Notifier: event.NotifierFunc(func(_ context.Context, n event.Notification) error { told = append(told, n); return nil }),
	})
	require.NoError(t, err)
	n, err := product.Deliver(h.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Len(t, told, 1)
	require.Equal(t, event.Reset, told[0].Main().Kind)
	require.Equal(t, "operator olga", told[0].Main().Actor)
	require.Equal(t, "ticket 4711", told[0].Main().Reason)
	require.Equal(t, event.Reset, h.account("ana").Activity[0].Kind)
}

// A run that changes something asks first; a pipe cannot confirm.
func TestConfirmation(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	args := []string{"reset", "ana", "--tenant", "acme", reason}
	h.in = "y\n"
	h.fails(2, "add --yes", args...)
	h.tty, h.in = true, "n\n"
	r := h.run(args...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "Clear the authenticators, phone numbers, recovery codes, trusted browsers and sessions of acme/ana? [y/N] ")
	require.Contains(t, r.err, "nothing was changed")
	require.Equal(t, "enabled", h.account("ana").State)
	h.in = "y\n"
	h.ok(args...)
	h.tty = false
	require.Equal(t, "required", h.account("ana").State)
}

func TestWhoAndWhy(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	for _, change := range [][]string{
		{"reset", "ana"}, {"unlock", "ana"}, {"forget", "ana"}, {"grace", "ana", "--for", "1d"}, {"exempt", "ana", "--name", "x"},
		{"restore-authenticator", "ana", "x"}, {"revoke-browser", "ana", "x"}, {"policy", "set", "--mode", "off"},
		{"issue-code", "ana", "--out", "x"}, {"approve", "x"}, {"withdraw", "x"},
	} {
		h.fails(2, "--reason is missing", append(change, "--tenant", "acme", "--yes")...)
	}
	h.fails(2, "--reason is missing", "import", "-", "--yes")
	h.fails(2, "--reason is missing", "keys", "rotate", "--yes")
	h.fails(2, "--reason is missing", "keys", "reseal", "--yes")
	h.fails(2, "--reason is missing", "keys", "retire", "x", "--yes")
	h.fails(2, "--reason is missing", "restored", "--at", "2025-01-01T00:00:00Z", "--yes")

	unlock := []string{"unlock", "ana", "--tenant", "acme", "--yes"}
	h.fails(2, "at most 64 bytes", append(unlock, "--reason", strings.Repeat("x", 65))...)
	h.fails(2, "at most 64 bytes", append(unlock, "--reason", "a\nb")...)
	require.Contains(t, h.ok(append(unlock, reason, "--operator", "Olga Ops")...).err, `actor="operator Olga Ops"`)
	delete(h.env, "SUDO_USER")
	require.Regexp(t, `actor="operator [^"]+"`, h.ok(append(unlock, reason)...).err, "the name of the login")
}

func TestResetMany(t *testing.T) {
	h := newInstallation(t)
	for _, user := range []string{"ana", "ben", "eva"} {
		h.enroll("acme", user)
	}
	args := []string{"reset", "ben", "ana", "nobody", "ana", "--tenant", "acme", reason}
	r := h.fails(4, "1 of 3 were refused", args...)
	require.Equal(t, "acme/ana: would clear the authenticators, phone numbers, recovery codes, trusted browsers and sessions\n"+
		"acme/ben: would clear the authenticators, phone numbers, recovery codes, trusted browsers and sessions\n"+
		"acme/nobody: refused: the account was not found; check the id and --tenant\n"+
		"2 accounts, 1 refused. Nothing was changed; add --yes to do it.\n", r.out)
	require.Equal(t, "enabled", h.account("ana").State)

	r = h.fails(4, "1 of 3 were refused", append(args, "--yes", "--json")...)
	require.Equal(t, []string{"bulk_reset", "reset", "reset"}, r.events())
	out := decode[bulk](t, r)
	require.Equal(t, 2, out.Done)
	require.Equal(t, 1, out.Refused)
	require.Equal(t, "required", h.account("ana").State)
	require.Equal(t, "enabled", h.account("eva").State)
}

// bulk is the documented shape of a change of many accounts.
type bulk struct {
	DryRun        bool `json:"dry_run"`
	Done, Refused int
	Already, Weak int
	NeverSeen     int `json:"never_seen"`
	Outcomes      []struct {
		Line         int
		Tenant, User string
		Done         bool
		Reason       string
	}
}

func TestBrowserAndKept(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	_, err := h.service().TrustBrowser(h.ctx, h.passes(ana).Proof, "Firefox")
	require.NoError(t, err)
	id := h.account("ana").Browsers[0].ID
	h.fails(3, "no trusted browser", "revoke-browser", "ana", "nosuch", "--tenant", "acme", reason, "--yes")
	require.Equal(t, []string{"browser_revoked"}, h.ok("revoke-browser", "ana", id, "--tenant", "acme", reason, "--yes").events())
	require.Empty(t, h.account("ana").Browsers)

	// A thief replaces the phone; the person says that it was not them.
	s := h.service()
	proof, err := s.Account(ana.User).VerifyCode(h.ctx, totpflow.ActionReplaceAuthenticator.On(""), ana.phone.Code())
	require.NoError(t, err)
	page, err := s.BeginEnrollment(h.ctx, proof)
	require.NoError(t, err)
	thief, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(t, err)
	_, err = s.ConfirmEnrollment(h.ctx, page.Token, thief.Code())
	require.NoError(t, err)
	require.Contains(t, h.ok("status", "ana", "--tenant", "acme").out, "taken away")
	kept := h.account("ana").Kept
	require.Len(t, kept, 1)
	h.fails(3, "no authenticator with this id", "restore-authenticator", "ana", "nosuch", "--tenant", "acme", reason, "--yes")
	r := h.ok("restore-authenticator", "ana", kept[0].ID, "--tenant", "acme", reason, "--yes")
	require.Equal(t, []string{"authenticator_restored"}, r.events())
	h.passes(ana)
}

func TestFrozen(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	h.disown(ana)
	require.Equal(t, "frozen", h.account("ana").State)
	require.Contains(t, h.ok("status", "ana", "--tenant", "acme").out, "it was not me")
	require.Contains(t, h.ok("list").out, "1 frozen")
	h.ok("unlock", "ana", "--tenant", "acme", reason, "--yes")
	h.passes(ana)
}

func TestExemptAndForget(t *testing.T) {
	h := newInstallation(t)
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", reason, "--yes")
	ben := h.enroll("acme", "ben")
	require.Equal(t, []string{"exempted"}, h.ok("exempt", "ben", "--tenant", "acme", "--name", "fs01", reason, "--yes").events())
	_, err := h.service().SignIn(h.ctx, ben.User)
	require.ErrorIs(t, err, totpflow.ErrExempt)
	h.fails(2, "--name is missing", "exempt", "ben", "--tenant", "acme", reason, "--yes")
	h.fails(2, "--end and --name cannot be combined", "exempt", "ben", "--tenant", "acme", "--end", "--name", "x", reason, "--yes")
	h.ok("exempt", "ben", "--tenant", "acme", "--end", reason, "--yes")
	require.Equal(t, enroll.ResetPending, h.status(ben.User).State)
	h.fails(1, "not a machine account", "exempt", "ben", "--tenant", "acme", "--end", reason, "--yes")

	require.Equal(t, []string{"forgotten", "notification_dropped"}, h.ok("forget", "ben", "--tenant", "acme", reason, "--yes").events())
	h.fails(3, "the account was not found", "forget", "ben", "--tenant", "acme", reason, "--yes")
}

// A list of records that do not open must not pass for a list of accounts without a
// factor.
func TestListUnreadable(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.enroll("acme", "ben")
	h.ok("list")
	require.NoError(t, os.WriteFile(h.keys, []byte(keyring.Generate()), 0o600))
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"list", "--csv"}, {"list", "--state", "enabled"}, {"list", "--state", "unreadable"}} {
		r := h.fails(5, "2 of 2 records do not open", args...)
		require.Equal(t, args[len(args)-1] != "enabled", strings.Contains(r.out, "ana"), r.out)
	}
}

// A list for which the database selects the records does not show whether the others
// open, and says so.
func TestListSaysWhatItDidNotOpen(t *testing.T) {
	h := newInstallation(t)
	h.disown(h.enroll("acme", "ana"))
	h.enroll("acme", "ben")
	h.enroll("globex", "eva")
	_, err := h.db.ExecContext(h.ctx, `UPDATE totpflow_accounts SET sealed = x'00' WHERE user_id = 'ben'`)
	require.NoError(t, err)
	h.fails(5, "1 of 3 records do not open", "list")
	h.fails(5, "1 of 3 records do not open", "list", "--state", "enabled")
	const keys = " not opened; totpflow keys check opens all of them\n"
	for _, form := range [][]string{nil, {"--json"}, {"--csv"}} {
		list := func(args ...string) result { return h.ok(append(append([]string{"list"}, form...), args...)...) }
		frozen := list("--state", "frozen")
		require.Contains(t, frozen.out, "ana")
		require.Equal(t, "2 records in other states were"+keys, frozen.err)
		require.Equal(t, "1 record in other states was"+keys, list("--state", "frozen", "--tenant", "acme").err)
		require.Equal(t, "3 records in other states were"+keys, list("--state", "grace").err)
		require.Empty(t, list("--state", "exempt", "--tenant", "nobody's").err)
		require.Empty(t, list("--tenant", "globex").err)
	}
	_, err = h.db.ExecContext(h.ctx, `UPDATE totpflow_accounts SET sealed = x'00' WHERE user_id = 'ana'`)
	require.NoError(t, err)
	h.fails(5, "1 of 1 records do not open", "list", "--state", "frozen", "--tenant", "acme")
}

// The database counts the accounts that have a factor, and finds those that are frozen.
func TestListCounts(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.enroll("acme", "ben")
	require.Contains(t, h.ok("list", "--count").out, "2 accounts; 2 of 2 have set it up, 0 exempt, 0 frozen")
	require.Contains(t, h.ok("list", "--count", "--tenant", "globex").out, "0 accounts")
	require.NotContains(t, h.ok("list", "--state", "frozen").out, "ana")
	_, err := h.service().Disown(h.ctx, h.service().NewDisownToken(event.Event{Tenant: "acme", User: "ana", At: h.clock.Now(), Kind: event.Reset}))
	require.NoError(t, err)
	frozen := h.ok("list", "--state", "frozen").out
	require.Contains(t, frozen, "ana")
	require.NotContains(t, frozen, "ben")
	require.Contains(t, h.ok("list", "--count").out, "1 of 2 have set it up, 0 exempt, 1 frozen")
	h.fails(2, "--count can only be combined", "list", "--count", "--csv")
}

// A record that could not be deleted is not reported as deleted.
func TestForgetThatFails(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	_, err := h.db.ExecContext(h.ctx, `CREATE TRIGGER stays BEFORE DELETE ON totpflow_accounts BEGIN SELECT RAISE(ABORT, 'it stays'); END`)
	require.NoError(t, err)
	r := h.run("forget", "ana", "--tenant", "acme", reason, "--yes")
	require.Equal(t, 1, r.code)
	require.Empty(t, r.out)
	require.Contains(t, h.ok("list").out, "ana")
}

// A database that refuses the write has changed nothing, and the operator is told so.
func TestRefusedWriteIsNoRiddle(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	_, err := h.db.Exec(`CREATE TRIGGER refuses BEFORE UPDATE ON totpflow_accounts BEGIN SELECT RAISE(ABORT, 'the table is closed'); END`)
	require.NoError(t, err)
	h.fails(1, "the database failed, and nothing was changed: ", "reset", "--tenant", "acme", "ana", reason, "--yes")
	require.Contains(t, h.run("reset", "--tenant", "acme", "ana", "ben", reason, "--yes").out, "nothing was changed: ")
}
