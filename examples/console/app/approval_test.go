package app_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var requestID = regexp.MustCompile(`/admin/requests/([^/]+)/`)

func TestSecondAdministrator(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	anas, _ := s.browser().enroll(ana)
	b.post("/admin/policy", "mode", "required", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")

	// To ask for less waits for a second one; nothing has changed yet.
	b.post("/admin/policy", "mode", "optional", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	page := b.get("/admin").says("a second administrator has 24 hours", "Lower the policy to “optional”", "Asked for by admin@acme.example", "somebody else approves it")
	require.Equal(t, "required", page.text("mode"))
	id := requestID.FindStringSubmatch(page.body)[1]
	b.post("/admin/requests/"+id+"/approve", "code", phone.Code()).is(http.StatusForbidden).says("ask another administrator")
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.WrongCode()).is(http.StatusForbidden).says(`id="approve/` + id + `-error"`)
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	require.Equal(t, "optional", b.get("/admin").text("mode"))
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).is(http.StatusNotFound).says("not waiting any more")

	// Many resets wait as well, and who has asked may withdraw.
	b.post("/admin/accounts/reset", "account", s.id(ana), "code", phone.Code()).redirects("/admin")
	page = b.get("/admin").says("Reset several accounts", ana.Email)
	id = requestID.FindStringSubmatch(page.body)[1]
	b.post("/admin/requests/"+id+"/withdraw", "code", phone.Code()).redirects("/admin")
	b.get("/admin").says("The request is withdrawn.").lacks("Waits for a second")
	s.browser().signIn(ana, anas)

	// And machine accounts.
	to := "/admin/accounts/" + s.id(ana)
	b.post(to+"/exempt", "name", "files-03", "code", phone.Code()).redirects(to)
	b.get(to).says("a second administrator has 24 hours", "Set up")
	page = provider.get("/admin?tenant=acme").says("Make a machine account, “files-03”", ana.Email)
	id = requestID.FindStringSubmatch(page.body)[1]
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	s.browser().password(ana).is(http.StatusForbidden).says("This is a machine account.")

	b.post("/admin/accounts/reset", "account", s.id(mika, "acme"), "code", phone.Code()).redirects("/admin")
	s.clock.Advance(25 * time.Hour)
	again := s.browser()
	again.signIn(admin, phone)
	again.get("/admin").lacks("Waits for a second")
}
