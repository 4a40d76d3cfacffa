package adminweb_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// The page of a person has their authenticators by name, and their history with actor and
// reason.
func TestPerson(t *testing.T) {
	s := newSite(t)
	_, err := s.admin.Reset(context.Background(), ops, mika.ID, admin.ScopeRecoveryCodes)
	require.NoError(t, err)
	b := s.as(boss)
	b.open(mika)
	require.Contains(t, b.Page.Text("main"), "Phone of mika, added 2 March 2026, 09:30 UTC")
	require.Equal(t, "Set up", b.Page.Text("state"))
	require.Contains(t, b.Page.Texts("log")[0], "Recovery codes ended 2 March 2026, 09:30 UTC , by operator root: ticket 7")
	b.Page.Submit("/2fa-admin/person/reset", "scope", "browsers")
	b.confirm()
	b.open(mika)
	require.Contains(t, b.Page.Texts("log")[0], "by Bo Singh")
}

// Each time on the page of a person has its zone: the browser shows it in its own, also in the
// pickers of the forms. In a text where that is not possible, it says UTC.
func TestTimesHaveAZone(t *testing.T) {
	s := newSite(t)
	s.replace(mika)
	b := s.as(boss)
	b.open(mika)
	const option = ` data-at="2026-03-02T09:30:00Z" data-utc="2 March 2026, 09:30 UTC">Phone of mika, added 2 March 2026, 09:30 UTC</option>`
	require.Contains(t, b.Page.HTML, option)
	require.NotRegexp(t, `[0-9] (March|April) 2026([^,]|, [^0-9])`, b.Page.HTML, "a day without its time and zone")
	s.freeze(mika)
	b.open(mika)
	b.Page.Submit("/2fa-admin/person/unlock")
	require.Contains(t, b.Page.Text("doing"), "added on 2 March 2026, 09:30 UTC, works again.")
	s.setPolicy("acme", policy.Policy{Mode: policy.Required})
	b.open(nora)
	b.Page.Submit("/2fa-admin/person/grace", "until", "2026-03-20")
	require.Equal(t, "Give Nora Nord time until 20 March 2026, 23:59 UTC", b.Page.Text("h1"))
}

// The history shows an operator's reason as it was typed, even where it is one of the
// library's words.
func TestReasonAsTyped(t *testing.T) {
	s := newSite(t)
	_, err := s.admin.Reset(t.Context(), admin.Operator{Name: "root", Reason: "imported"}, mika.ID, admin.ScopeRecoveryCodes)
	require.NoError(t, err)
	b := s.as(boss)
	b.open(mika)
	require.Regexp(t, `^Recovery codes ended .*, by operator root: imported`, b.Page.Texts("log")[0])
}

// A reset names the authenticators and everything else that it ends.
func TestResetNamesWhatItEnds(t *testing.T) {
	s := newSite(t)
	ctx, u := context.Background(), totpflow.User{ID: mika.ID, Name: mika.Address}
	proof, err := s.service.Account(u).VerifyCode(ctx, totpflow.ActionAddAuthenticator.On(""), s.phones[mika.ID].Code())
	require.NoError(t, err)
	page, err := s.service.BeginEnrollment(ctx, proof)
	require.NoError(t, err)
	tablet, err := totptest.ScanURI(page.Offer.URI(), s.clock)
	require.NoError(t, err)
	_, err = s.service.ConfirmEnrollment(ctx, page.Token, tablet.Code())
	require.NoError(t, err)
	require.NoError(t, s.service.Account(u).RenameAuthenticator(ctx, s.member(mika).Apps[1].ID, "Tablet"))
	b := s.as(boss)
	b.open(mika)
	b.Page.Submit("/2fa-admin/person/reset", "scope", "all")
	require.Contains(t, b.Page.Text("doing"), "Ends for good: “Phone of mika” and “Tablet”.")
	b.open(mika)
	b.Page.Submit("/2fa-admin/person/reset", "scope", "codes")
	require.NotContains(t, b.Page.Text("doing"), "Tablet")
}

// An account that was closed by "it was not me": the page promises an authenticator only
// if one is kept, and offers the unlock last, with what would work again.
func TestClosed(t *testing.T) {
	s := newSite(t)
	s.replace(mika)
	s.freeze(mika)
	b := s.as(boss)
	b.open(mika)
	require.Contains(t, b.Page.Text("closed"), "Bring back the earlier authenticator")
	require.Regexp(t, `Account closed, because of “it was not me” .*: Password changed`, b.Page.Texts("log")[0], "the change in words")
	require.Equal(t, []string{"restore", "reset", "unlock"}, helps(b))
	b.Page.Submit("/2fa-admin/person/unlock")
	require.Contains(t, b.Page.Text("doing"), "mika@acme.example, Acme Nothing is removed.", "which account it is, and what happens")
	require.Contains(t, b.Page.Text("doing"), "works again.")

	_, err := s.admin.Reset(context.Background(), ops, mika.ID, admin.ScopeAll)
	require.NoError(t, err)
	s.freeze(mika)
	b.open(mika)
	require.Contains(t, b.Page.Text("closed"), "No earlier authenticator is kept.")
	require.NotContains(t, b.Page.Text("closed"), "Bring back")
	require.Equal(t, []string{"reset", "unlock"}, helps(b))
	b.Page.Submit("/2fa-admin/person/reset", "scope", "all")
	require.Contains(t, b.Page.Text("doing"), "needs a recovery code by mail")
	b.confirm()
	require.Contains(t, b.Page.Text("needs-code"), "Send one to them.")
	require.Equal(t, "issue", helps(b)[0])
	b.Page.Submit("/2fa-admin/person/issue")
	b.confirm()
	require.Contains(t, b.Page.Text("needs-code"), "The last one that was issued ends 3 March 2026")
	require.NotContains(t, b.Page.Text("needs-code"), "Send one to them.")
	s.freeze(mika)
	b.open(mika)
	require.Empty(t, b.Page.Text("needs-code"), "no code can be sent to a closed account")
}

// helps returns the changes of the first card, in order.
func helps(b *person) (all []string) {
	for _, to := range b.Page.Actions() {
		if word, ok := strings.CutPrefix(to, "/2fa-admin/person/"); ok && slices.Contains([]string{"restore", "reset", "issue", "unlock"}, word) {
			all = append(all, word)
		}
	}
	return all
}

// A history names a person whom the directory cannot read as the event does, and the page is
// shown.
func TestHistoryOfAPersonWhoCannotBeRead(t *testing.T) {
	s := newSite(t)
	b := s.as(root)
	b.Get("/2fa-admin/policy?tenant=acme")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required")
	b.confirm()
	b.Get("/2fa-admin/policy?tenant=acme")
	require.Contains(t, b.Page.Texts("log")[0], "Ruth Root")
	s.office.Directory = nameless{s.directory, root.ID}
	b = s.as(boss)
	b.Get("/2fa-admin/policy?tenant=acme")
	require.Equal(t, http.StatusOK, b.Page.Status)
	require.Contains(t, b.Page.Texts("log")[0], "provider/root")
	require.Contains(t, s.logged.String(), "the directory is down")
}
