package adminweb_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web/adminweb"
)

// Where a policy requires a recovery code by mail after a reset, the page that confirms the
// reset says so: otherwise the person calls again.
func TestResetThatNeedsACode(t *testing.T) {
	s := newSite(t)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Methods: policy.App | policy.RecoveryCodes, IssuedCode: true})
	b := s.as(boss)
	const code = "To set up, the person needs a recovery code by mail, which you send afterwards."
	for scope, needs := range map[string]bool{"all": true, "authenticators": true, "browsers": false, "codes": false} {
		b.open(mika)
		b.Page.Submit("/2fa-admin/person/reset", "scope", scope)
		require.Equal(t, needs, strings.Contains(b.Page.Text("doing"), code), scope)
	}
	s.newCodes(mika)
	b.open(mika)
	b.Page.Submit("/2fa-admin/person/reset", "scope", "authenticators")
	require.Contains(t, b.Page.Text("doing"), "needs a recovery code: one that is left, or one by mail, which you send afterwards.")
	b.confirm()
	require.Equal(t, "To set up, the person needs a recovery code: one of the 10 that are left, or one by mail.", b.Page.Text("needs-code"))
	b.Get("/2fa-admin/people")
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "scope", "all", "do", "reset")
	require.Contains(t, b.Page.Text("doing"), "To set up, each of them needs a recovery code by mail, which you send afterwards.")

	r := s.as(root) // of two organisations, one requires no mail
	r.Get("/2fa-admin/people")
	r.Post("/2fa-admin/people/change", "person", key(mika), "person", key(gil), "scope", "all", "do", "reset")
	require.Contains(t, r.Page.Text("doing"), "These people have to set up again.")
	require.NotContains(t, r.Page.Text("doing"), "by mail")
}

// The page of a reset says that recovery codes stay only where there are some, and where the
// reset does not clear them: after "it was not me" it does, also later.
func TestResetAndRecoveryCodes(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	const stay, end = "The recovery codes stay.", "Ends 10 recovery codes."
	requireCodes := func(stays, ends bool, when string) {
		t.Helper()
		b.open(mika)
		b.Page.Submit("/2fa-admin/person/reset", "scope", "authenticators")
		require.Equal(t, stays, strings.Contains(b.Page.Text("doing"), stay), when)
		require.Equal(t, ends, strings.Contains(b.Page.Text("doing"), end), when)
	}
	requireCodes(false, false, "there are none")
	s.newCodes(mika)
	requireCodes(true, false, "ten codes")
	s.freeze(mika)
	requireCodes(false, true, "closed after a report")
	require.NoError(t, s.admin.Unlock(context.Background(), ops, mika.ID))
	requireCodes(false, true, "open again")
	b.confirm()
	require.Zero(t, s.member(mika).RecoveryCodesLeft)

	s.newCodes(deputy)
	b.Get("/2fa-admin/people")
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "scope", "authenticators", "do", "reset")
	require.Contains(t, b.Page.Text("doing"), "Recovery codes that they have stay, except where “it was not me” was reported earlier.")
}

// A reset is offered only if it removes something. A person in a grace period without a
// factor would only lose the rest of that period.
func TestResetOfNothing(t *testing.T) {
	s := newSite(t)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Grace: 14 * 24 * time.Hour})
	_, err := s.service.SignIn(context.Background(), totpflow.User{ID: nora.ID})
	require.NoError(t, err)
	b := s.as(boss)
	b.open(nora)
	require.NotContains(t, b.Page.Actions(), "/2fa-admin/person/reset")
	require.Contains(t, b.Page.Actions(), "/2fa-admin/person/grace")
	for _, day := range []string{"2026-03-01", "2026-03-05", "2026-09-01"} { // past, less than she has, too far
		b.Post("/2fa-admin/person/grace", "tenant", "acme", "user", nora.ID.User, "until", day)
		require.Contains(t, b.Page.Text("error"), "The time must end in the future, later than before", "before a code is used")
	}
	b.Post("/2fa-admin/person/reset", "tenant", "acme", "user", nora.ID.User, "scope", "all")
	require.Contains(t, b.Page.Text("error"), "there is nothing to do")
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(nora), "scope", "all", "do", "reset")
	require.Equal(t, "“Mika Berg” The person has to set up again. All sessions and trusted browsers end. "+
		"Left out: “Nora Nord”. For them this is not possible, or there is nothing to do.", b.Page.Text("doing"))
	require.Equal(t, "Reset everything for 1 person", b.Page.Text("h1"))
	b.Post("/2fa-admin/people/change", "person", key(nora), "scope", "all", "do", "reset")
	require.Contains(t, b.Page.Text("error"), "there is nothing to do")
	require.Equal(t, admin.StateGrace, s.member(nora).State)
}

// A set-up that a thief has begun with the password can be ended, and so can the way back of an
// authenticator that was taken away. The page names both.
func TestResetEndsWhatIsNotSetUpYet(t *testing.T) {
	s := newSite(t, withPhones)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Methods: policy.App | policy.Phone})
	ctx, b := t.Context(), s.as(boss)
	begin := func(p adminweb.Person) totpflow.Challenge {
		next, err := s.service.SignIn(ctx, totpflow.User{ID: p.ID})
		require.NoError(t, err)
		require.Equal(t, totpflow.Enroll, next.Step)
		return next.Challenge
	}
	begun := func(p adminweb.Person, doing string) {
		t.Helper()
		b.open(p)
		require.Equal(t, []string{"reset"}, helps(b))
		b.Page.Submit("/2fa-admin/person/reset", "scope", "all")
		require.Contains(t, b.Page.Text("doing"), doing)
		b.confirm()
	}
	app := begin(nora)
	offer, err := s.service.BeginEnrollment(ctx, app)
	require.NoError(t, err)
	_, err = s.service.ContinueEnrollment(ctx, offer.Token, app)
	require.NoError(t, err)
	begun(nora, "Ends a set-up that was begun and not finished.")
	_, err = s.service.ContinueEnrollment(ctx, offer.Token, app)
	require.Error(t, err)

	ines := one("acme", "ines", "Ines Ito")
	s.directory.Add(ines)
	number, err := phone.ParseNumber("+43 660 1234567")
	require.NoError(t, err)
	page, err := s.service.BeginPhone(ctx, begin(ines), number)
	require.NoError(t, err)
	b.Post("/2fa-admin/people/change", "person", key(ines), "scope", "all", "do", "reset")
	require.Empty(t, b.Page.Text("error"))
	begun(ines, "Ends a set-up that was begun and not finished.")
	_, err = s.service.SendEnrollmentCode(ctx, page.Token, phone.SMS)
	require.Error(t, err)

	s.setPolicy("acme", policy.Policy{Mode: policy.Optional})
	own := s.service.Account(totpflow.User{ID: mika.ID})
	proof, err := own.VerifyCode(ctx, totpflow.ActionDisable.On(""), s.phones[mika.ID].Code())
	require.NoError(t, err)
	_, err = own.Disable(ctx, proof)
	require.NoError(t, err)
	b.open(mika)
	require.Equal(t, []string{"restore", "reset"}, helps(b))
	b.Page.Submit("/2fa-admin/person/reset", "scope", "all")
	require.Contains(t, b.Page.Text("doing"), "Can no longer be brought back: “Phone of mika”.")
	b.confirm()
	require.Empty(t, s.member(mika).Recoverable)
}

// A bulk action applies only to the people for whom it is possible. The page names the others
// before it happens.
func TestPeopleWhoAreLeftOut(t *testing.T) {
	s := newSite(t)
	agent := one("acme", "agent", "Backup agent")
	s.directory.Add(agent)
	s.hire(agent)
	_, err := s.admin.Exempt(context.Background(), ops, agent.ID, "nightly")
	require.NoError(t, err)
	s.freeze(mika)
	b := s.as(boss)
	people := []string{"person", key(mika), "person", key(nora), "person", key(agent), "person", key(deputy)}
	change := func(do string) string {
		b.Get("/2fa-admin/people")
		b.Post("/2fa-admin/people/change", append(people, "do", do)...)
		return b.Page.Text("doing")
	}
	require.Contains(t, change("issue"), "Left out: “Mika Berg”, “Nora Nord” and “Backup agent”.")
	require.Equal(t, "Send a recovery code to 1 person", b.Page.Text("h1"))
	require.Contains(t, change("help"), "Left out: “Nora Nord” and “Backup agent”.", "nothing helps a person who need not set up")
	require.Equal(t, "Help 2 people with one code", b.Page.Text("h1"))
	require.Contains(t, change("remind"), "Left out: “Mika Berg”, “Backup agent” and “Dee Puty”.")
	people = people[4:6]
	for _, do := range []string{"issue", "help"} {
		change(do)
		require.Contains(t, b.Page.Text("error"), "This is not possible here, or there is nothing to do.", do)
	}
	require.Empty(t, change("remind"))
	require.Contains(t, b.Page.Text("error"), "None of them has to set up.")
}

// newCodes gives a person a set of recovery codes.
func (s *site) newCodes(p adminweb.Person) {
	s.t.Helper()
	ctx, account := context.Background(), s.service.Account(totpflow.User{ID: p.ID})
	proof, err := account.VerifyCode(ctx, totpflow.ActionRecoveryCodes.On(""), s.phones[p.ID].Code())
	require.NoError(s.t, err)
	_, _, err = account.NewRecoveryCodes(ctx, proof)
	require.NoError(s.t, err)
}

// A number that an administrator chooses takes the place of the phones that the person has.
// For a person who has nothing else, that is a reset, and the pages of both administrators
// say so.
func TestPhoneOfSomebodyWhoHasNothingElse(t *testing.T) {
	var texts inbox
	s := newSite(t, func(c *totpflow.Config) {
		c.Phones = &phone.Delivery{Sender: &texts, Destinations: phone.Destinations{Only: []string{"+43"}}}
	})
	assigned := policy.Policy{Mode: policy.Required, Methods: policy.App | policy.Phone, AssignedPhones: true}
	s.setPolicy("acme", assigned)
	s.assign(nora, "+436601234567")
	b := s.as(boss)
	choose := func(number string) string {
		b.open(nora)
		b.Page.Submit("/2fa-admin/person/phone", "number", number)
		return b.Page.Text("doing")
	}
	b.open(nora)
	require.Contains(t, b.Page.Text("main"), "+43 ••• ••67 , chosen by an administrator, not verified yet")
	const before, phones, verify = "nora@acme.example, Acme ", "All existing phones are removed, and all sessions end.", " The number works once the person has verified it by a code: when they set up, or later on their page “Security”."
	require.Equal(t, before+phones+verify, choose("+436607654321"), "nothing was verified yet")

	s.verify(nora, &texts)
	const ends, only = "Ends for good: “+43 ••• ••67”. ", " The person is left without a second step, and has to set up again."
	require.Equal(t, before+ends+phones+verify+only, choose("+436607654321"))
	require.Equal(t, before+ends+phones+only, choose(""))
	assigned.IssuedCode = true
	s.setPolicy("acme", assigned)
	require.Equal(t, before+ends+phones+only+" To set up, the person needs a recovery code by mail, which you send afterwards.", choose(""))
	b.confirm()
	require.Contains(t, b.Page.Text("main"), "The phones are removed.")
	require.Contains(t, b.Page.Texts("log")[0], "Phones removed")
	require.Empty(t, choose(""))
	require.Contains(t, b.Page.Text("error"), "The person has no phone here.", "nothing is done, and no mail is sent")
	s.assign(nora, "+436607654321")
	b.open(nora)
	require.Contains(t, b.Page.Texts("log")[0], "Phone number chosen: +43 ••• ••21")
}

// assign chooses a person's number, as an operator.
func (s *site) assign(p adminweb.Person, number string) {
	s.t.Helper()
	n, err := phone.ParseNumber(number)
	require.NoError(s.t, err)
	_, err = s.admin.AssignPhone(context.Background(), ops, p.ID, n)
	require.NoError(s.t, err)
}

// verify signs a person in by setting up the number that was chosen.
func (s *site) verify(p adminweb.Person, texts *inbox) {
	s.t.Helper()
	ctx := context.Background()
	d, err := s.service.SignIn(ctx, totpflow.User{ID: p.ID})
	require.NoError(s.t, err)
	page, err := s.service.BeginPhone(ctx, d.Challenge, phone.Number{})
	require.NoError(s.t, err)
	_, err = s.service.SendEnrollmentCode(ctx, page.Token, phone.SMS)
	require.NoError(s.t, err)
	_, err = s.service.ConfirmPhone(ctx, page.Token, texts.last.Code.Digits())
	require.NoError(s.t, err)
}

// An inbox keeps the last message.
type inbox struct{ last phone.Message }

func (i *inbox) Send(_ context.Context, m phone.Message) error {
	i.last = m
	return nil
}

// The page of a person says until when the last issued code is valid, whether a set-up is
// due or not: a person at the telephone asks.
func TestCodeThatWasSent(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.open(mika)
	require.Empty(t, b.Page.Text("code-sent"))
	b.Page.Submit("/2fa-admin/person/issue")
	b.confirm()
	require.Empty(t, b.Page.Text("needs-code"))
	require.Equal(t, "The recovery code that was issued last works until 3 March 2026, 09:30 UTC .", b.Page.Text("code-sent"))
	_, err := s.admin.Reset(context.Background(), ops, mika.ID, admin.ScopeRecoveryCodes)
	require.NoError(t, err)
	b.open(mika)
	require.Empty(t, b.Page.Text("code-sent"), "it ended")
}
