package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// With an app, a phone goes by the app's code; trusted browsers go with it.
func TestRemovePhone(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.browser()
	device, _ := b.enroll(ana)
	b.get("/security/phone")
	b.post("/security/phone", "number", mobile, "via", "sms", "code", device.Code()).redirects("/security/phone")
	b.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")
	b.post("/security/phone", "number", mobile, "via", "sms", "code", device.Code()).is(http.StatusConflict).says("This number is set up already.")
	to := b.get("/security").removal()
	b.post("/security/phones/nonsense/remove", "code", device.Code()).is(http.StatusNotFound).says("This phone is not there any more.")
	b.post(to).is(http.StatusForbidden)
	b.post(to, "code", device.WrongCode()).is(http.StatusForbidden).says("This code is not right", masked)
	b.post(to, "code", device.Code()).redirects("/security")
	b.get("/security").is(http.StatusOK).says("The phone is removed.", "Phone removed", "Active").lacks(masked)
	s.browser().post(to, "code", device.Code()).redirects("/signin")
}

// The only factor goes by a new sign-in with it, and not where one is required.
func TestRemoveTheOnlyPhone(t *testing.T) {
	s, p := phoneSite(t, "optional", "yes")
	b := s.browser()
	b.password(ana).redirects("/")
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/security/phone")
	b.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")
	s.clock.Advance(6 * time.Minute)
	to := b.get("/security").removal()
	b.post(to).is(http.StatusForbidden).says("Sign out and in again with a code to this phone")
	b.post("/signout")
	b.password(ana).redirects("/code")
	b.post("/code/phone", "via", "sms").is(http.StatusSeeOther)
	b.post("/code", "phone_code", p.code()).redirects("/")
	b.post(to).redirects("/security")
	b.get("/security").is(http.StatusOK).says("Disabled").lacks(masked)
	b.post("/signout")
	b.password(ana).redirects("/")
}

// A person who has nothing but a phone can lose it, too: an administrator has a code sent
// by mail.
func TestIssuedCodeForALostPhone(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	s.addPhone(p)
	b, phone := s.administratorAt(mika, "Acme Backup GmbH")
	to := "/admin/accounts/" + s.id(ana)
	b.get(to).says(`action="` + to + `/issue-code"`)
	b.post(to+"/issue-code", "code", phone.Code()).redirects(to)
	person := s.browser()
	person.password(ana).redirects("/code")
	person.post("/issued", "issued_code", issued(t, s)).redirects("/setup")
}

func TestTheRequiredPhoneStays(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.addPhone(p)
	b.post(b.get("/security").removal()).is(http.StatusForbidden).says("Your organisation requires")
}

// A sign-in that waits for a code adds no number, and neither does a stranger.
func TestNoPhoneHalfwayIn(t *testing.T) {
	s, p := phoneSite(t, "optional", "yes")
	s.browser().enroll(ana)
	b := s.browser()
	b.get("/security/phone").redirects("/signin")
	b.password(ana).redirects("/code")
	b.get("/security/phone").redirects("/code")
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/code")
	b.post("/code/phone", "via", "sms").redirects("/code") // there is none
	s.browser().post("/code/phone", "via", "sms").redirects("/signin")
	require.Zero(t, p.count())
}

// The flag -require demands a factor, and leaves the methods to the policy.
func TestRequireLeavesPhones(t *testing.T) {
	p := &pigeon{}
	s := newSite(t, require2FA, withPigeon(p))
	boss, device := s.administrator(admin)
	boss.post("/admin/policy", "mode", "optional", "phones", "yes", "code", device.Code()).redirects("/admin")
	s.addPhone(p).get("/security").says(masked)
}

// The policy applies: without it there is no phone, on any page or at any address.
func TestPhonesArePolicy(t *testing.T) {
	s, p := phoneSite(t, "required", "no")
	b := s.browser()
	b.password(ana).redirects("/setup")
	b.get("/setup").lacks("/security/phone")
	b.get("/security/phone").redirects("/setup")
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/setup")
	device := b.phone(b.get("/setup"))
	b.post("/setup", "code", device.Code()).is(http.StatusOK)
	b.get("/security").lacks("/security/phone")
	b.get("/security/phone").redirects("/security")
	s.clock.Advance(time.Minute)
	b.post("/signout")
	b.password(ana).redirects("/code")
	b.get("/code").lacks("by=phone")
	b.get("/code?by=phone").redirects("/code")
	b.post("/code/phone", "via", "sms").redirects("/code")
	require.Zero(t, p.count())
}

// A phone that is all there is goes on when policy no longer names phones; beside
// an app it does not.
func TestPhonesLeavePolicy(t *testing.T) {
	p := &pigeon{}
	s := newSite(t, withPigeon(p))
	boss, bosses := s.administrator(admin)
	set := func(phones string) {
		boss.post("/admin/policy", "mode", "required", "phones", phones, "code", bosses.Code()).redirects("/admin")
	}
	set("yes")
	b := s.addPhone(p)
	set("no")
	b.post("/signout")
	b.password(ana).redirects("/code")
	b.post("/code/phone", "via", "sms").is(http.StatusSeeOther)
	b.post("/code", "phone_code", p.code()).redirects("/")
	b.get("/security").says(masked).lacks("Add a phone")
	device := b.phone(b.get("/setup").is(http.StatusOK))
	b.post("/setup", "code", device.Code()).is(http.StatusOK)
	b.get("/security").says("Your organisation does not allow it beside an authenticator app.")
	s.clock.Advance(time.Minute)
	b.post("/signout")
	b.password(ana).redirects("/code")
	b.get("/code").lacks("by=phone")
}

// The form of the policy says what is set.
func TestPhonesInThePolicyForm(t *testing.T) {
	s := newSite(t)
	b, device := s.administrator(admin)
	for _, choice := range []string{"yes", "assigned", "no"} {
		b.post("/admin/policy", "mode", "optional", "phones", choice, "code", device.Code()).redirects("/admin")
		b.get("/admin").says(`<option value="` + choice + `" selected>`).says(`<option value="yes">Allowed</option><option value="no">Not allowed`)
	}
	b.post("/admin/policy", "mode", "optional", "phones", "nonsense", "code", device.Code()).is(http.StatusBadRequest)
	b.post("/admin/policy", "mode", "optional", "phones", "yes", "recovery_codes", "no", "code", device.Code()).redirects("/admin")
	b.get("/admin").says(`<option value="no" selected>Not allowed</option></select></div>`, `<option value="yes" selected>Allowed</option>`)
}

// Where administrators choose numbers, the person verifies that one, and takes
// and removes no other.
func TestAssignedPhone(t *testing.T) {
	p := &pigeon{}
	s := newSite(t, withPigeon(p))
	boss, device := s.administrator(admin)
	to := "/admin/accounts/" + s.id(ana)
	boss.get(to).lacks(to + "/phone")
	boss.post("/admin/policy", "mode", "required", "phones", "assigned", "code", device.Code()).redirects("/admin")
	person := s.browser()
	person.password(ana).redirects("/setup")
	person.get("/setup").lacks("/security/phone") // none is chosen
	person.get("/security/phone").redirects("/setup")

	boss.get(to).says(to+"/phone", "on a number that you know")
	boss.post(to+"/phone", "number", "0664 9876567", "code", device.Code()).is(http.StatusBadRequest).says("Write the number with +", `id="phone-error"`)
	boss.post(to+"/phone", "number", mobile, "code", device.WrongCode()).is(http.StatusForbidden)
	boss.post(to+"/phone", "number", mobile, "code", device.Code()).redirects(to)
	boss.get(to).says("The number is chosen.").lacks("9876567")
	require.Contains(t, s.last(ana, "phone number chosen").Text, "by an administrator")

	person.password(ana).redirects("/setup")
	person.get("/setup").says("/security/phone")
	person.get("/security/phone").says(masked, "Your administrator has chosen").lacks(`name="number"`)
	person.post("/security/phone", "number", "+43 660 7654321", "via", "sms").redirects("/security/phone")
	require.Equal(t, "+436649876567", p.last().To.E164(), "the one that was chosen, whatever is posted")
	person.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")
	page := person.get("/security").says(masked).lacks("Add a phone")
	require.NotRegexp(t, phoneForm, page.body)
	boss.get(to).says("<dt>Phones</dt><dd>1</dd>")

	boss.post(to+"/phone", "number", "", "code", device.Code()).redirects(to)
	boss.get(to).lacks("<dt>Phones</dt>")
	person.get("/").redirects("/signin")
	person.password(ana).redirects("/setup")
}

// Nobody chooses the number of an account that is not theirs to look after.
func TestAssignPhoneIsForAdministrators(t *testing.T) {
	s := newSite(t)
	person := s.browser()
	person.password(ana)
	person.post("/admin/accounts/"+s.id(ben)+"/phone", "number", mobile).is(http.StatusNotFound)
	b, device := s.administrator(admin)
	b.post("/admin/accounts/"+s.id(nora)+"/phone", "number", mobile, "code", device.Code()).is(http.StatusForbidden)
	b.post("/admin/accounts/"+s.id(admin)+"/phone", "number", mobile, "code", device.Code()).is(http.StatusForbidden).says("This is your own account.")
}
