package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/totptest"
)

// The messages of a demonstration are in a folder, where its owner can read them.
func TestOutbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	n, err := phone.ParseNumber(mobile)
	require.NoError(t, err)
	at := totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 10, 0, time.UTC)).Now()
	st, pending, err := phone.State{}.Add(at, n)
	require.NoError(t, err)
	_, m, err := st.SendPending(at, keys, pending.ID, phone.Voice, phone.DefaultLimits().Account...)
	require.NoError(t, err)
	require.NoError(t, app.Outbox(dir).Send(t.Context(), m))
	require.ErrorIs(t, app.Outbox(dir).Send(t.Context(), phone.Message{}), phone.ErrMessage)
	files, err := filepath.Glob(filepath.Join(dir, "*.voice"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Contains(t, string(text), strings.Join(strings.Split(m.Code.Digits(), ""), ", "))
	require.Contains(t, string(text), "+436649876567")
	for path, mode := range map[string]os.FileMode{files[0]: 0o600, dir: 0o700} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
	require.ErrorIs(t, app.Outbox(files[0]).Send(t.Context(), m), phone.ErrUnavailable)
}

// A phone that is the only factor continues to work when the policy no longer allows
// phones. In addition to an app, it does not.
func TestPhonesLeavePolicy(t *testing.T) {
	p := &pigeon{}
	s := newSite(t, withPigeon(p))
	boss, bosses := s.administrator(admin)
	set := func(phones string) {
		boss.setPolicy(bosses, "acme", "mode", "required", "phones", phones)
	}
	set("yes")
	b := s.addPhone(p)
	set("no")
	b.post("/2fa/signout")
	b.password(ana).is(http.StatusSeeOther) // the code was sent without being asked for
	b.post("/2fa/phone-code", "phone_code", p.code()).redirects("/")
	b.get("/2fa/security").says(masked).lacks("Add a phone")
	device := b.phone(b.get("/2fa/setup").is(http.StatusOK))
	b.post("/2fa/setup", "code", device.Code()).is(http.StatusOK)
	b.get("/2fa/security").says("Your organisation does not allow it in addition to an authenticator app.")
	s.clock.Advance(time.Minute)
	b.post("/2fa/signout")
	b.password(ana).redirects("/2fa/code")
	b.get("/2fa/code").is(http.StatusOK).lacks("/2fa/phone-code")
}

// The flag -require demands a factor, and leaves the methods to the policy.
func TestRequireLeavesPhones(t *testing.T) {
	p := &pigeon{}
	s := newSite(t, require2FA, withPigeon(p))
	boss, device := s.administrator(admin)
	boss.setPolicy(device, "acme", "mode", "optional", "phones", "yes")
	s.addPhone(p).get("/2fa/security").says(masked)
}

// If administrators choose the numbers, the person verifies the chosen one, and can
// neither add nor remove another.
func TestAssignedPhone(t *testing.T) {
	p := &pigeon{}
	s := newSite(t, withPigeon(p))
	boss, device := s.administrator(admin)
	to := s.member(ana)
	boss.get(to).lacks("person/phone")
	boss.setPolicy(device, "acme", "mode", "required", "phones", "assigned")
	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	person.get("/2fa/setup").lacks("/2fa/phone") // no number is chosen
	person.get("/2fa/phone").redirects("/2fa/setup")

	boss.get(to).says("person/phone")
	boss.change(device, ana, "phone", "number", "0664 9876567").is(http.StatusBadRequest)
	boss.change(device, ana, "phone", "number", mobile).redirects(to)
	mail := s.last(ana, "phone number chosen").Text
	require.Contains(t, mail, "by an administrator")
	require.Contains(t, mail, mailURL+"/2fa/phone")

	person.password(ana).redirects("/2fa/setup")
	person.get("/2fa/setup").says("/2fa/phone")
	person.get("/2fa/phone").says(masked, "Your administrator has chosen").lacks(`name="number"`)
	person.post("/2fa/phone", "number", "+43 660 7654321", "via", "sms").redirects("/2fa/phone")
	require.Equal(t, "+436649876567", p.last().To.E164(), "the chosen number, whatever is posted")
	person.post("/2fa/phone/confirm", "phone_code", p.code()).redirects("/")
	person.get("/").says("Your phone is set up.")
	page := person.get("/2fa/security").says(masked).lacks("Add a phone")
	require.NotRegexp(t, phoneForm, page.body)

	boss.change(device, ana, "phone", "number", "").redirects(to)
	person.get("/").out()
	person.password(ana).redirects("/2fa/setup")
}

// If calls are not possible, the console does not offer them.
func TestNoCalls(t *testing.T) {
	s, p := phoneSite(t, "required", "yes", func(o *app.Options) { o.NoCalls = true })
	b := s.browser()
	b.password(ana)
	b.get("/2fa/phone").says(`value="sms"`).lacks(`value="voice"`)
	b = s.addPhone(p)
	b.post("/2fa/signout")
	b.password(ana)
	b.get("/2fa/phone-code").says(`value="sms"`).lacks(`value="voice"`)
}
