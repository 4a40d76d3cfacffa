package adminweb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web/adminweb"
	"github.com/totpflow/totpflow/web/letters"
)

// A letter about a request says in the reader's language what the page says: each field
// before and after, who asks, and for whom.
func TestRequestLetter(t *testing.T) {
	s := newSite(t)
	s.setPolicy(acme.ID, policy.Policy{Mode: policy.Required})
	letter := func(language string, q admin.Request) letters.Letter {
		t.Helper()
		q.By, q.Expires = boss.ID, s.clock.Now()
		l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Name: "Dee\nPuty", Account: "dee", Language: language}, acme, q)
		require.NoError(t, err)
		return l
	}
	q := admin.Request{Action: admin.ActionSetPolicy, Before: policy.Policy{Mode: policy.Required}, Policy: policy.Policy{Mode: policy.Optional}}
	for _, language := range []string{"en", "no such"} {
		l := letter(language, q)
		require.Equal(t, []string{"en", "Acme Backup: A request is waiting for a second administrator"}, []string{l.Language, l.Subject})
		for _, words := range []string{"Hello Dee Puty,\n", "Bo Singh has asked for this in Acme:\n", "\n    Another policy for Acme\n",
			"\n      Two-factor authentication: Required → Optional\n", "\n    https://backup.example/2fa-admin/requests?tenant=acme\n"} {
			require.Contains(t, l.Text, words)
		}
		require.Equal(t, 1, strings.Count(l.Text, "→"), "what stays as it is is left out")
	}
	for what, q := range map[string]admin.Request{
		"Delete the account of Mika Berg\n      Mika Berg, mika@acme.example\n      Ends for good: “Phone of mika”.\n      The account cannot be brought back.": {Action: admin.ActionForgetAccount},
		"Make Mika Berg the machine account “agent”":              {Action: admin.ActionExemptAccount, Name: "agent"},
		"Make Mika Berg the machine account “x     https://evil”": {Action: admin.ActionExemptAccount, Name: "x\n    https://evil"},
		"Bring back a replaced authenticator of Mika Berg":        {Action: admin.ActionRestoreAuthenticator, Name: "x"},
		"Choose +436601234567 for Mika Berg":                      {Action: admin.ActionAssignPhone, Name: "+436601234567"},
		"Remove the phones of Mika Berg":                          {Action: admin.ActionAssignPhone},
	} {
		q.Targets = []string{mika.ID.User}
		require.Contains(t, letter("en", q).Text, "\n    "+what+"\n")
	}
	s.directory.Add(one("acme", "mika2", mika.Name))
	require.Contains(t, letter("en", admin.Request{Action: admin.ActionForgetAccount, Targets: []string{mika.ID.User, "mika2"}}).Text,
		"\n      “Mika Berg, mika@acme.example” and “Mika Berg, mika2@acme.example”\n", "namesakes")
	for _, language := range []string{"de", "es"} {
		l := letter(language, q)
		require.Equal(t, language, l.Language)
		require.NotContains(t, l.Text, "Required")
		require.NotContains(t, l.Subject+l.Text, "letter.")
	}
	for _, language := range []string{"en", "de", "es"} {
		for line := range strings.Lines(letter(language, q).Text) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
		}
		long := adminweb.Tenant{ID: acme.ID, Name: "Acme Umwelttechnik Vertriebsgesellschaft mbH"}
		l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Name: long.Name, Language: language}, long,
			admin.Request{Action: admin.ActionForgetAccount, By: boss.ID, Targets: []string{mika.ID.User}, Expires: s.clock.Now()})
		require.NoError(t, err)
		for line := range strings.Lines(l.Text) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSpace(line)), 78, line)
		}
		require.Contains(t, l.Text, long.Name)
	}
}

// Long notes of a letter about a request are continued on further lines, each with a mark:
// otherwise a part of a name could look like a line of the letter.
func TestRequestLetterWithLongLines(t *testing.T) {
	s := newSite(t)
	s.newCodes(mika)
	long := one("acme", "long", strings.Repeat("Anna Maria ", 8)+"https://evil.example")
	s.directory.Add(long)
	for _, q := range []admin.Request{
		{Action: admin.ActionResetAccount, Scope: admin.ScopeAuthenticators, Targets: []string{mika.ID.User, long.ID.User}},
		{Action: admin.ActionAssignPhone, Name: "+436601234567", Targets: []string{long.ID.User}},
		{Action: admin.ActionExemptAccount, Name: "agent", Targets: []string{long.ID.User}},
	} {
		q.By, q.Expires = boss.ID, s.clock.Now()
		for _, language := range []string{"en", "de", "es"} {
			l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Name: "Dee Puty", Language: language}, acme, q)
			require.NoError(t, err)
			require.Contains(t, l.Text, "\n      … ")
			for line := range strings.Lines(l.Text) {
				require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 78, line)
				require.False(t, strings.HasPrefix(strings.TrimSpace(line), "https://evil"), line)
			}
		}
	}
}

// The event of a request leads to it until it is decided on.
func TestPending(t *testing.T) {
	s := newSite(t)
	s.askTwo()
	st, err := s.admin.Tenant(t.Context(), ops, acme.ID)
	require.NoError(t, err)
	require.Len(t, st.Pending, 1)
	want := st.Pending[0]
	e := event.Event{Kind: event.ApprovalRequested, Tenant: acme.ID, Action: string(want.Action), Until: want.Expires}
	q, ok, err := s.office.Pending(t.Context(), e)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, want.ID, q.ID)
	e.Until = e.Until.Add(time.Second) // another request for the same action
	_, ok, err = s.office.Pending(t.Context(), e)
	require.NoError(t, err)
	require.False(t, ok)
}

// remindersOf returns how often a person was reminded.
func (s *site) remindersOf(p adminweb.Person) (n int) {
	for _, e := range s.member(p).Activity {
		if e.Kind == event.SetupReminded {
			n++
		}
	}
	return n
}

// The hourly job reminds people who have nothing set up, once, however many processes run
// it.
func TestRemindDue(t *testing.T) {
	s := newSite(t)
	s.setPolicy(acme.ID, policy.Policy{Mode: policy.Required, Deadline: s.clock.Now().Add(6 * 24 * time.Hour)})
	for range 2 {
		require.NoError(t, s.office.RemindDue(t.Context(), ops, acme.ID))
		require.NoError(t, s.office.RemindDue(t.Context(), ops, "nobody's"))
	}
	require.Equal(t, 1, s.remindersOf(nora))
	require.Zero(t, s.remindersOf(mika))
}

// With Reminders the button needs nothing of the host: the reminder is an event.
func TestReminders(t *testing.T) {
	s := newSite(t)
	s.setPolicy(acme.ID, policy.Policy{Mode: policy.Required})
	office, err := adminweb.New(adminweb.Config{Web: s.pages, Admin: s.admin, Directory: s.directory, Reminders: true})
	require.NoError(t, err)
	require.NoError(t, office.Remind(context.Background(), totpflow.User{ID: boss.ID}, nora, admin.Member{}))
	require.ErrorIs(t, office.Remind(context.Background(), totpflow.User{ID: boss.ID}, nora, admin.Member{}), admin.ErrReminded, "no second mail, and the page says so")
	require.Equal(t, 1, s.remindersOf(nora))
	log := s.as(deputy).open(nora).Texts("log")[0]
	require.Contains(t, log, ", by "+boss.Name)
	require.NotContains(t, log, boss.ID.User)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, errors.Is(office.Remind(cancelled, totpflow.User{ID: boss.ID}, nora, admin.Member{}), context.Canceled))
}
