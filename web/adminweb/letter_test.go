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
		l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Name: "Dee\nPuty", Account: "dee", Language: language}, adminweb.PendingRequest{Request: q, Tenant: acme})
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
		l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Name: long.Name, Language: language}, adminweb.PendingRequest{
			Request: admin.Request{Action: admin.ActionForgetAccount, By: boss.ID, Targets: []string{mika.ID.User}, Expires: s.clock.Now()}, Tenant: long,
		})
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
			l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Name: "Dee Puty", Language: language}, adminweb.PendingRequest{Request: q, Tenant: acme})
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
	require.Equal(t, acme, q.Tenant)
	e.Until = e.Until.Add(time.Second) // another request for the same action
	_, ok, err = s.office.Pending(t.Context(), e)
	require.NoError(t, err)
	require.False(t, ok)
}

// answer has an administrator approve or withdraw the pending request of acme, and returns
// the event of it.
func (s *site) answer(by admin.Actor, approve bool) event.Event {
	s.t.Helper()
	st, err := s.admin.Tenant(s.t.Context(), ops, acme.ID)
	require.NoError(s.t, err)
	require.Len(s.t, st.Pending, 1)
	id := st.Pending[0].ID
	if who, ok := by.(admin.Administrator); ok {
		who.Proof, err = s.service.Account(who.User).VerifyCode(s.t.Context(), admin.ActionApprove.On(id), s.phones[who.User.ID].Code())
		require.NoError(s.t, err)
		by = who
	}
	if approve {
		_, err = s.admin.Approve(s.t.Context(), by, acme.ID, id)
	} else {
		err = s.admin.Withdraw(s.t.Context(), by, acme.ID, id)
	}
	require.NoError(s.t, err)
	st, err = s.admin.Tenant(s.t.Context(), ops, acme.ID)
	require.NoError(s.t, err)
	for _, e := range st.Activity {
		if e.Kind == event.ApprovalGranted || e.Kind == event.ApprovalWithdrawn {
			e.Tenant = acme.ID
			return e
		}
	}
	require.Fail(s.t, "no event")
	return event.Event{}
}

// The administrator who asked gets a letter about the answer of another one, in each language.
// It says what to do if the request was somebody else's.
func TestAnswerLetter(t *testing.T) {
	byBoss, byRoot := admin.Administrator{User: totpflow.User{ID: boss.ID}}, admin.Administrator{User: totpflow.User{ID: root.ID}}
	for name, c := range map[string]struct {
		by      admin.Actor
		approve bool
		words   []string
	}{
		"approved":                    {byBoss, true, []string{"Bo Singh has approved what you requested in Acme:\n", "This page shows the result:\n"}},
		"refused":                     {byBoss, false, []string{"Bo Singh has refused what you requested in Acme. Nothing has changed:\n", "You can request it again here:\n"}},
		"by somebody of above":        {byRoot, true, []string{"Ruth Root has approved"}},
		"by an operator":              {ops, false, []string{"operator root has refused"}},
		"approved by an operator too": {ops, true, []string{"operator root has approved"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			asked := s.clock.Now()
			s.askTwo()
			s.clock.Advance(time.Hour)
			a, err := s.office.Answered(t.Context(), s.answer(c.by, c.approve))
			require.NoError(t, err)
			require.Equal(t, deputy, a.RequestedBy)
			require.Equal(t, []any{acme, c.approve, asked}, []any{a.Tenant, a.Approved, a.Asked})
			l := s.office.AnswerLetter("https://backup.example/", letters.Person{Name: "Dee\nPuty", Account: "dee"}, a)
			for _, words := range append(c.words, "Hello Dee Puty,\n", "\n    A machine account\n    2 March 2026, 09:30 UTC\n", "\n    https://backup.example/2fa-admin/people?tenant=acme\n",
				"If the request was not yours, somebody else has used your account.") {
				require.Contains(t, l.Text, words)
			}
			for _, language := range []string{"en", "de", "es"} {
				for _, action := range []totpflow.Action{admin.ActionSetPolicy, admin.ActionResetAccount, admin.ActionExemptAccount, admin.ActionForgetAccount, admin.ActionRestoreAuthenticator, admin.ActionAssignPhone} {
					a.Action = string(action)
					l := s.office.AnswerLetter("https://backup.example", letters.Person{Name: "Dee", Language: language}, a)
					require.Equal(t, language, l.Language)
					require.NotContains(t, l.Text, a.Action)
					require.NotContains(t, l.Subject+l.Text, "requestLetter")
					require.Equal(t, action == admin.ActionSetPolicy, strings.Contains(l.Text, "/2fa-admin/policy?tenant=acme"))
					for line := range strings.Lines(l.Text) {
						require.LessOrEqual(t, utf8.RuneCountInString(line), 79, line)
					}
				}
			}
		})
	}
}

// Nobody gets a letter about other events, about a request that they withdrew, or in the place
// of an administrator who was deleted.
func TestNoAnswer(t *testing.T) {
	s := newSite(t)
	s.askTwo()
	none := func(e event.Event) {
		t.Helper()
		a, err := s.office.Answered(t.Context(), e)
		require.NoError(t, err)
		require.Zero(t, a)
	}
	none(event.Event{Kind: event.ApprovalRequested, Tenant: acme.ID})
	none(s.answer(admin.Administrator{User: totpflow.User{ID: deputy.ID}}, false))
	s.clock.Advance(time.Minute)
	s.askTwo()
	e := s.answer(ops, true)
	a, err := s.office.Answered(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, deputy, a.RequestedBy)
	later := e
	later.Until = e.Until.Add(time.Second)
	none(later)
	s.directory.Remove(deputy.ID)
	none(e)
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
