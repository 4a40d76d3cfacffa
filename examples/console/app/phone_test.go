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
	"github.com/totpflow/totpflow/examples/internal/spellings"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/totptest"
)

// Where policy allows phones, the enrollment offers one instead of an app. Its own
// code starts the session, and the next sign-in asks for one.
func TestPhoneInsteadOfAnApp(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.browser()
	b.password(ana).redirects("/setup")
	b.get("/setup").is(http.StatusOK).says(`href="/security/phone"`, "weaker way")
	b.get("/security/phone").is(http.StatusOK).says(`name="number"`, "weaker way", "An authenticator app is safer").lacks(`name="code"`)
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/security/phone")
	require.Equal(t, "+436649876567", p.last().To.E164())
	require.Contains(t, p.last().Text(), "Acme Backup")
	require.Contains(t, p.last().Text(), "@backup.example #"+p.code(), "phones fill it in here, and for no look-alike")

	page := b.get("/security/phone").is(http.StatusOK).says("A code is on its way.", masked, `name="phone_code"`, `autocomplete="one-time-code"`)
	page.lacks("9876567")
	b.get("/").redirects("/signin") // no session yet
	b.post("/security/phone/confirm", "phone_code", p.wrong()).is(http.StatusForbidden).says("This code is not right. Enter the one of the newest message.")
	b.post("/security/phone/confirm", "phone_code", "12x").is(http.StatusForbidden).says("A code has 6 digits. Enter the one that we have sent you.")
	b.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")
	b.get("/security").is(http.StatusOK).says("Your phone is set up.", masked, "last used on 2 March 2026", "By phone", "Phone set up").lacks("9876567")
	b.get("/").is(http.StatusOK).says("an authenticator app is safer").lacks("Protect your backups")
	require.Contains(t, s.last(ana, "phone set up").Text, "/not-me?event=")

	s.clock.Advance(time.Minute)
	b.post("/signout")
	b.password(ana).redirects("/code")
	b.get("/code").is(http.StatusOK).says("Have a code sent", masked, `value="voice"`).lacks(`name="phone_code"`).lacks(`name="code"`)
	b.post("/code/phone", "via", "voice").is(http.StatusSeeOther)
	require.Equal(t, phone.Voice, p.last().Via)
	b.get("/code?sent=voice").is(http.StatusOK).says("A call reads out", `name="phone_code"`).lacks("trust")
	b.post("/code", "phone_code", p.wrong(), "sent", "voice").is(http.StatusForbidden).says("not right", "A call reads out")
	b.post("/code", "phone_code", p.code(), "trust", "yes").redirects("/")
	require.Nil(t, b.cookie("trust"), "a number trusts no browser")
	b.get("/").is(http.StatusOK)
}

// Beside an app a phone is added by the app's code. It signs in, and does nothing
// that lasts.
func TestPhoneBesideAnApp(t *testing.T) {
	s, p := phoneSite(t, "optional", "yes")
	b := s.browser()
	app, _ := b.enroll(ana)
	b.get("/security").says(`href="/security/phone"`)
	b.get("/security/phone").is(http.StatusOK).says(`name="code"`)
	b.post("/security/phone", "number", mobile, "via", "sms", "code", app.WrongCode()).is(http.StatusForbidden).
		says("This code is not right", `id="phone-error"`, mobile)
	b.post("/security/phone", "number", mobile, "via", "sms").is(http.StatusForbidden)
	require.Zero(t, p.count())
	b.post("/security/phone", "number", mobile, "via", "sms", "code", app.Code()).redirects("/security/phone")
	b.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")
	b.get("/security").is(http.StatusOK).says(masked, "Active")

	s.clock.Advance(time.Minute)
	other := s.browser()
	other.password(ana).redirects("/code")
	other.get("/code").says(`name="code"`, `href="/code?by=phone"`)
	other.get("/code?by=phone").says("Have a code sent", `href="/code"`)
	other.post("/code/phone", "via", "sms").is(http.StatusSeeOther)
	other.post("/code", "code", "", "phone_code", p.code()).redirects("/")
	other.get("/setup").redirects("/security") // no proof for another app
	for _, form := range []string{"disable", "replace", "recovery-codes", "authenticators"} {
		other.post("/security/"+form, "code", p.code()).is(http.StatusForbidden)
	}

	third := s.browser() // and the app as before
	third.password(ana).redirects("/code")
	third.post("/code", "code", app.Code(), "phone_code", "000000").redirects("/")
}

// In a session that was left open the password comes first, as for an app.
func TestPhoneAsksForThePassword(t *testing.T) {
	s, p := phoneSite(t, "optional", "yes")
	b := s.browser()
	b.password(ana).redirects("/")
	s.clock.Advance(6 * time.Minute)
	b.get("/security/phone").is(http.StatusOK).says(`name="password"`).lacks(`name="number"`)
	b.post("/security/phone", "number", mobile, "via", "sms").lacks("A code is on its way")
	require.Zero(t, p.count())
	b.post("/setup/password", "password", admin.Password, "next", "/security/phone").is(http.StatusUnauthorized).says(`value="/security/phone"`)
	b.post("/setup/password", "password", ana.Password, "next", "//evil.example").redirects("/setup")
	b.post("/setup/password", "password", ana.Password, "next", "/security/phone").redirects("/security/phone")
	b.get("/security/phone").says(`name="number"`)
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/security/phone")
	b.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")

	// From then on the password alone does not lead to an enrollment either.
	s.clock.Advance(6 * time.Minute)
	b.get("/setup").is(http.StatusOK).says(`name="password"`)
	b.post("/setup/password", "password", ana.Password).redirects("/code")
	b.get("/setup").says(`name="password"`).lacks(`id="secret"`)
	b.post("/code/phone", "via", "sms").is(http.StatusSeeOther)
	b.post("/code", "phone_code", p.code()).redirects("/")
	device := b.phone(b.get("/setup").is(http.StatusOK))
	b.post("/setup", "code", device.Code()).is(http.StatusOK).codes()
	b.get("/security").says("Active", masked)
}

// Invalid numbers, and numbers that cost money, are refused before a code is spent and
// before anything is sent; so is an unknown way to send.
func TestHostileNumbers(t *testing.T) {
	s, p := phoneSite(t, "optional", "yes")
	b := s.browser()
	device, _ := b.enroll(ana)
	code := device.Code()
	for number, says := range map[string]string{
		"":                               "Write the number with +",
		"0664 9876567":                   "Write the number with +",
		"+43":                            "Write the number with +",
		"+43 664 9876567\r\nTo: +1":      "Write the number with +",
		"+43 664 9876567,+44 20 1234567": "Write the number with +",
		"+" + strings.Repeat("4", 5000):  "Write the number with +",
		`"><script>alert(1)</script>`:    "Write the number with +",
		"+43 660 ١٢٣٤٥٦٧":                "Write the number with +", // digits of two scripts
	} {
		page := b.post("/security/phone", "number", number, "via", "sms", "code", code).is(http.StatusBadRequest).says(says)
		require.NotContains(t, page.body, "<script>")
	}
	for _, via := range []string{"", "mail", "SMS", "sms\n"} {
		b.post("/security/phone", "number", mobile, "via", via, "code", code).is(http.StatusBadRequest).says("Choose an SMS or a call.")
	}
	b.post("/security/phone", "number", "+881 612345678", "via", "sms", "code", code).is(http.StatusBadRequest).says("We do not send to numbers like this one.")
	require.Zero(t, p.count())
}

// Every code is counted and every send, for everybody who asks; another code gives no
// tries back.
func TestPhoneLimits(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.addPhone(p)
	b.post("/signout")
	b.password(ana).redirects("/code")
	b.post("/code/phone", "via", "sms").is(http.StatusSeeOther)
	b.post("/code/phone", "via", "sms", "sent", "sms").is(http.StatusTooManyRequests).says("Another code can be sent in 30 seconds.", `name="phone_code"`)
	for range 2 {
		b.post("/code", "phone_code", p.wrong()).is(http.StatusForbidden)
	}
	s.clock.Advance(time.Minute)
	old, wrong := p.code(), 2
	b.post("/code/phone", "via", "sms").is(http.StatusSeeOther)
	if old != p.code() {
		b.post("/code", "phone_code", old).is(http.StatusForbidden).says("not right") // the one before is dead
		wrong++
	}
	for ; wrong < 5; wrong++ {
		b.post("/code", "phone_code", p.wrong()).is(http.StatusForbidden)
	}
	b.post("/code", "phone_code", p.code()).is(http.StatusTooManyRequests).says("Too many wrong codes").lacks("in a row")
	b.get("/").redirects("/signin")
	s.clock.Advance(time.Minute)
	b.post("/code/phone", "via", "sms").is(http.StatusTooManyRequests).says("Another code can be sent in")
	before := p.count()

	// Another account with the same number: the number has a limit of its own.
	for range 6 {
		s.clock.Advance(time.Minute)
		other := s.browser()
		other.password(ben).redirects("/setup")
		other.post("/security/phone", "number", mobile, "via", "sms")
	}
	require.LessOrEqual(t, p.count(), 5, "five in an hour")
	require.Greater(t, p.count(), before)
	other := s.browser()
	other.password(ben)
	s.clock.Advance(10 * time.Minute)
	other.password(ben)
	other.post("/security/phone", "number", mobile, "via", "sms").is(http.StatusTooManyRequests).says("No code can be sent to this number at the moment.")
}

// An answer of the provider is shown in words that help, and a message that it refuses counts.
func TestProviderFails(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.addPhone(p)
	b.post("/signout")
	for _, c := range []struct {
		fails  error
		status int
		says   string
	}{
		{phone.ErrUnavailable, http.StatusServiceUnavailable, "could not be handed over"},
		{phone.ErrProvider, http.StatusServiceUnavailable, "No messages can be sent at the moment"},
		{phone.ErrUndeliverable, http.StatusBadRequest, "Nothing can be delivered to this number"},
		{phone.ErrVia, http.StatusBadRequest, "Choose an SMS or a call."},
	} {
		s.clock.Advance(20 * time.Minute)
		b.password(ana).redirects("/code")
		p.fail(c.fails)
		b.post("/code/phone", "via", "sms").is(c.status).says(c.says)
		p.fail(nil)
		b.post("/code/phone", "via", "sms").is(http.StatusTooManyRequests)
	}
}

// A number that waits is the server's: it needs the code in time, and another
// person in the same browser does not find it.
func TestPendingPhone(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.browser()
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/signin")
	b.post("/security/phone/confirm", "phone_code", "123456").redirects("/signin")
	b.password(ana).redirects("/setup")
	b.post("/security/phone/confirm", "phone_code", "123456").redirects("/security/phone")
	b.post("/security/phone/send", "via", "sms").redirects("/security/phone")
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/security/phone")
	b.post("/security/phone/send", "via", "voice").is(http.StatusTooManyRequests).says("Another code can be sent in 30 seconds.", `name="phone_code"`)
	b.post("/security/phone", "number", "nonsense", "via", "sms").is(http.StatusBadRequest).says(`name="number"`) // another one
	s.clock.Advance(time.Minute)
	b.post("/security/phone/send", "via", "fax").is(http.StatusBadRequest).says("Choose an SMS or a call.")
	b.post("/security/phone/send", "via", "voice").redirects("/security/phone")
	b.get("/security/phone").says("A call to", masked, `href="/security/phone?other=yes"`)
	b.get("/security/phone?other=yes").says(`name="number"`)

	code := p.code()
	b.password(ben).redirects("/setup")
	b.get("/security/phone").says(`name="number"`).lacks(masked)
	b.post("/security/phone/confirm", "phone_code", code).redirects("/security/phone")
	b.get("/").redirects("/signin")

	b.password(ana).redirects("/setup")
	s.clock.Advance(10 * time.Minute)
	b.password(ana)
	b.post("/security/phone", "number", mobile, "via", "sms").redirects("/security/phone")
	s.clock.Advance(6 * time.Minute)
	b.post("/security/phone/confirm", "phone_code", p.code()).is(http.StatusForbidden).says("No code is on its way any more")
	s.clock.Advance(phone.PendingLifetime)
	b.post("/security/phone/confirm", "phone_code", p.code()).redirects("/signin")
}

// An enrollment by phone that was begun again elsewhere begins with the number.
func TestPhoneBegunAgainElsewhere(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	one, two := s.browser(), s.browser()
	one.password(ana)
	two.password(ana)
	one.post("/security/phone", "number", mobile, "via", "sms").redirects("/security/phone")
	s.clock.Advance(time.Minute)
	two.post("/security/phone", "number", "+43 660 7654321", "via", "sms").redirects("/security/phone")
	one.post("/security/phone/confirm", "phone_code", p.code()).is(http.StatusUnauthorized).says("Enter it once more", `name="number"`)
	two.post("/security/phone/confirm", "phone_code", p.code()).redirects("/security")
}

// Without calls the console offers none.
func TestNoCalls(t *testing.T) {
	s, p := phoneSite(t, "required", "yes", func(o *app.Options) { o.NoCalls = true })
	b := s.browser()
	b.password(ana)
	b.get("/security/phone").says(`value="sms"`).lacks(`value="voice"`)
	b = s.addPhone(p)
	b.post("/signout")
	b.password(ana)
	b.get("/code").says(`value="sms"`).lacks(`value="voice"`)
}

// The messages of a demonstration can be read in a folder, by its owner.
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

// A number is one number in every spelling, and so is the code that is sent to it.
func TestSpellingsOfANumber(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	b := s.browser()
	b.password(ana).redirects("/setup")
	for _, bad := range []string{"0660 1234567", "+43 660 123456x", "+43 \u0666\u0666\u0660 1234567"} {
		b.post("/security/phone", "number", bad, "via", "sms").is(http.StatusBadRequest).says("without a 0 after it")
	}
	require.Zero(t, p.count())
	all := spellings.OfNumber()
	for i, number := range []string{all[1], all[4], all[len(all)-1]} {
		s.clock.Advance(time.Hour)
		b = s.browser()
		b.password(ana).redirects("/setup")
		b.post("/security/phone", "number", number, "via", "sms").redirects("/security/phone")
		require.Equal(t, i+1, p.count())
		require.Equal(t, "+436601234567", p.last().To.E164())
	}
	for _, bad := range spellings.NotOfCode(p.code()) {
		b.post("/security/phone/confirm", "phone_code", bad).is(http.StatusForbidden).says("A code has 6 digits.")
	}
	b.post("/security/phone/confirm", "phone_code", spellings.OfCode(p.code())[14]).redirects("/security")
}
