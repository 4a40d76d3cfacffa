package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// People are reminded a week and a day before their time to set up ends, once each, by
// however many processes. Only people without a second factor are reminded.
func TestReminders(t *testing.T) {
	s := newSite(t)
	s.url = s.serve() // a second process
	first, second := s.console, s.console
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "required", "deadline", "2026-03-16")
	s.browser().password(ana).redirects("/2fa/setup")
	count := func() (n int) {
		for _, m := range s.mails.to(ana) {
			if m.Subject == "Acme Backup: Reminder to set up two-factor authentication" {
				n++
			}
		}
		return n
	}
	remind := func() {
		t.Helper()
		require.NoError(t, first.Remind(t.Context()))
		require.NoError(t, second.Remind(t.Context()))
	}
	for _, step := range []struct {
		later time.Duration
		mails int
	}{{0, 1}, {day, 1}, {7 * day, 2}, {day, 2}, {5 * day, 3}} {
		s.clock.Advance(step.later)
		remind()
		require.Equal(t, step.mails, count(), s.clock.Now())
	}
	mail := s.last(ana, "reminder").Text
	require.Contains(t, mail, mailURL+"/2fa/setup")
	require.Contains(t, mail, "until 16 March 2026, 23:59 UTC")
	require.NotContains(t, mail, "not-me", "a reminder closes nothing")
	for _, m := range append(s.mails.to(admin), s.mails.to(agent)...) {
		require.NotContains(t, m.Subject, "reminder")
	}
}

// An administrator's button sends the reminder too, at most once a day.
func TestReminderByTheButton(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "required")
	s.browser().password(ana).redirects("/2fa/setup")
	remind := func() answer {
		page := b.post("/2fa-admin/people/change", "tenant", "*", "q", ana.Email, "all", "yes", "do", "remind").is(200)
		return b.post("/2fa-admin/people/change", "tenant", "*", "q", ana.Email, "all", "yes", "do", "remind",
			"set", page.field("set"), "totpflow_confirm", "yes")
	}
	remind().redirects("/2fa-admin/people?q=ana%40acme.example&tenant=%2A")
	remind().is(http.StatusConflict).says("A mail went out within the last 24 hours.")
	n := 0
	for _, m := range s.mails.to(ana) {
		if m.Subject == "Acme Backup: Reminder to set up two-factor authentication" {
			n++
		}
	}
	require.Equal(t, 1, n)
}
