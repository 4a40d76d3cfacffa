package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	totpadmin "github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

var linkInMail = regexp.MustCompile(regexp.QuoteMeta(mailURL) + `(/2fa/not-me\?event=\S+)`)

// link returns the "it was not me" link of a mail, as a path.
func link(t *testing.T, m app.Mail) string {
	t.Helper()
	found := linkInMail.FindStringSubmatch(m.Text)
	require.NotNil(t, found, m.Text)
	return found[1]
}

// event returns the token that the page of a link passes on.
func (a answer) event() string {
	a.t.Helper()
	m := regexp.MustCompile(`name="event" value="([^"]+)"`).FindStringSubmatch(a.body)
	require.NotNil(a.t, m, a.body)
	return m[1]
}

func TestMailsAboutChanges(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	person := s.browser()
	anas, codes := person.enroll(ana)
	m := s.last(ana, "authenticator app set up")
	require.Equal(t, "Acme Backup: Authenticator app set up", m.Subject)
	for _, words := range []string{"Hello Ana Soler", "ana@acme.example of Acme Backup GmbH", "2 March 2026", "from 127.0.0.1", "If it was not you", mailURL + "/2fa/not-me"} {
		require.Contains(t, m.Text, words)
	}
	person.post("/2fa/security/saved")
	before := len(s.mails.to(ana))
	s.browser().signIn(ana, anas) // signing in is not a change
	require.Len(t, s.mails.to(ana), before)

	second := person.add(anas, "Tablet")
	ids := person.authenticators()
	person.post("/2fa/security/remove/"+ids["Tablet"], "totpflow_code", anas.Code()).redirects("/2fa/security")
	s.last(ana, "authenticator app removed")
	s.browser().signIn(ana, anas, "trust", "yes")
	s.last(ana, "browser trusted")
	recovering := s.browser()
	recovering.password(ana)
	recovering.post("/2fa/recovery", "recovery_code", codes[0]).redirects("/2fa/setup")
	s.last(ana, "recovery code used, 9 left")
	new := recovering.phone(recovering.get("/2fa/setup"))
	recovering.post("/2fa/setup", "code", new.Code()).is(http.StatusOK)
	s.last(ana, "authenticator app replaced")
	b.change(phone, ana, "reset", "scope", "all")
	require.NotContains(t, s.last(ana, "two-factor authentication reset").Text, "from 127.0.0.1") // the administrator's address is not the person's
	var subjects []string
	for _, m := range s.mails.to(ana) {
		subjects = append(subjects, strings.TrimPrefix(m.Subject, "Acme Backup: "))
		for _, secret := range append(codes, anas.Peek(), second.Peek()) {
			require.NotContains(t, m.Subject+m.Text, secret)
		}
	}
	require.Equal(t, []string{
		"Authenticator app set up", "Authenticator app set up", "Authenticator app removed", "Browser trusted", "Recovery code used, 9 left",
		"Authenticator app replaced", "Two-factor authentication reset",
	}, subjects, "one mail for each change")
}

// A machine gets no mail, which would have a link that closes its account.
func TestMachineGetsNoMail(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	require.NotEmpty(t, s.mails.to(ana))
	require.Empty(t, s.mails.to(agent), "its account was made with the site")
}

// A recovery code that an administrator sends is one mail, with the code. If an operator
// has made the code, the person gets the mail about it.
func TestRecoveryCodeIsOneMail(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	s.browser().enroll(ana)
	before := len(s.mails.to(ana))
	b.change(phone, ana, "issue").redirects(s.member(ana))
	issued(t, s)
	require.Len(t, s.mails.to(ana), before+1)

	records := sqlstore.New(s.db, sqlstore.SQLite)
	service, err := totpflow.New(totpflow.Config{Issuer: app.Issuer, Store: records, Keys: s.keys, Now: s.clock.Now, Notifier: event.Deferred, Observer: event.Slog(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	by := totpadmin.Operator{Name: "root", Reason: "a lost phone"}
	keep := func(context.Context, totpadmin.IssuedCode) error { return nil }
	require.NoError(t, totpadmin.New(service, nil).IssueRecoveryCode(t.Context(), by, store.AccountID{Tenant: "acme", User: s.id(ana)}, keep))
	s.clock.Advance(3 * time.Minute)
	require.NoError(t, s.console.Deliver(t.Context()))
	require.NotEmpty(t, link(t, s.last(ana, "recovery code sent by mail")))
	require.Len(t, s.mails.to(ana), before+2)
}

// A thief who has the password, and the phone for a moment, sets up a phone of their own.
// The link in the mail about it closes the account, and an administrator brings the old
// phone back.
func TestItWasNotMe(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	anas, _ := s.browser().enroll(ana)
	thief := s.browser()
	thief.signIn(ana, anas)
	thief.post("/2fa/security/replace", "totpflow_code", anas.Code()).redirects("/2fa/setup")
	thiefs := thief.phone(thief.get("/2fa/setup"))
	thief.post("/2fa/setup", "code", thiefs.Code()).is(http.StatusOK)
	thief.get("/").is(http.StatusOK)

	// Looking at the page changes nothing, because programs that scan mails open links.
	person := s.browser()
	path := link(t, s.last(ana, "authenticator app replaced"))
	page := person.get(path).is(http.StatusOK).says("Was it not you?", "Account: <strong>ana@acme.example</strong>", "It was not me: close the account")
	thief.get("/").is(http.StatusOK)
	require.Equal(t, "Set up", b.get("/2fa-admin/people").states()[ana.Email])

	person.post("/2fa/not-me", "event", page.event()).is(http.StatusOK).says("Your account is closed")
	person.post("/2fa/not-me", "event", page.event()).is(http.StatusOK) // a second time changes nothing
	thief.get("/").is(http.StatusUnauthorized).says("account was closed")
	thief.password(ana).is(http.StatusForbidden).says("This account is closed", "An administrator can open it again.")
	person.password(ana).is(http.StatusForbidden)
	require.Equal(t, "Closed after a report", b.get("/2fa-admin/people").states()[ana.Email])
	s.last(ana, "account closed")

	to := s.member(ana)
	kept := regexp.MustCompile(`<select id="authenticator" name="authenticator"><option value="([^"]+)"`).FindStringSubmatch(b.get(to).says(`id="closed"`).body)
	require.NotNil(t, kept)
	b.change(phone, ana, "issue").is(http.StatusConflict)
	b.change(phone, ana, "restore", "authenticator", "nonsense").is(http.StatusConflict)
	b.change(phone, ana, "restore", "authenticator", kept[1]).redirects(to)
	b.get(to).lacks("person/restore")
	thief.password(ana).redirects("/2fa/code")
	thief.post("/2fa/code", "code", thiefs.Code()).is(http.StatusForbidden)
	s.browser().signIn(ana, anas)

	// The earlier link cannot close the account again.
	person.post("/2fa/not-me", "event", page.event()).is(http.StatusForbidden).says("no longer valid")
}

func TestFrozenAccountUnlockedOrReset(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	anas, _ := s.browser().enroll(ana)
	to := s.member(ana)
	freeze := func(subject string) {
		page := s.browser().get(link(t, s.last(ana, subject)))
		s.browser().post("/2fa/not-me", "event", page.event()).says("Your account is closed")
	}
	freeze("set up")
	b.change(phone, ana, "unlock").redirects(to)
	s.clock.Advance(time.Second)
	s.browser().signIn(ana, anas, "trust", "yes")

	freeze("browser trusted")
	b.change(phone, ana, "reset", "scope", "all").redirects(to)
	person := s.browser()
	person.password(ana).redirects("/2fa/code")
	person.get("/2fa/code").redirects("/2fa/issued") // somebody else may know the password
}

func TestLinkEnds(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	person := s.browser()
	event := person.get(link(t, s.last(ana, "set up"))).event()
	for _, bad := range []string{"", "nonsense", event[:len(event)-1], event + "A", strings.Repeat("A", 9000)} {
		person.post("/2fa/not-me", "event", bad).is(http.StatusForbidden).says("no longer valid")
	}
	s.clock.Advance(73 * time.Hour)
	person.post("/2fa/not-me", "event", event).is(http.StatusForbidden)
	s.browser().password(ana).redirects("/2fa/code")
	person.get("/2fa/not-me").is(http.StatusForbidden)
}

// A mail that the mail server does not accept now is sent again. A mail that it will
// never accept holds nothing up.
func TestMailServerDown(t *testing.T) {
	s := newSite(t)
	s.mails.fail(errors.New("no mail server"))
	b := s.browser()
	b.enroll(ana) // the person is signed in nevertheless
	b.get("/").is(http.StatusOK)
	require.Empty(t, s.mails.to(ana))
	s.mails.fail(nil)
	s.clock.Advance(3 * time.Minute)
	require.NoError(t, s.console.Deliver(t.Context()))
	s.last(ana, "authenticator app set up")
	require.Len(t, s.mails.to(ana), 1, "one mail for one change")
}

// ---- A mail server ----

// A postOffice accepts mails over SMTP.
type postOffice struct {
	addr  string
	mails chan *mail.Message
	no    error // the answer to a recipient
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &postOffice{addr: l.Addr().String(), mails: make(chan *mail.Message, 20)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return letter{p}, nil }))
	server.Domain, server.ErrorLog = "localhost", quiet{}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return p
}

type letter struct{ *postOffice }

func (l letter) Reset()                                   { /* one mail, one session */ }
func (l letter) Logout() error                            { return nil }
func (l letter) Mail(string, *smtp.MailOptions) error     { return nil }
func (l letter) Rcpt(_ string, _ *smtp.RcptOptions) error { return l.no }
func (l letter) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err == nil {
		l.mails <- m
	}
	return err
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// read returns a mail as a person reads it.
func read(t *testing.T, m *mail.Message) app.Mail {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	to, err := m.Header.AddressList("To")
	require.NoError(t, err)
	require.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	require.NoError(t, err)
	return app.Mail{To: to[0].Address, Subject: subject, Text: strings.ReplaceAll(string(text), "\r\n", "\n")}
}

// The mails go out over SMTP, and their links work.
func TestMailsOverSMTP(t *testing.T) {
	post := newPostOffice(t)
	mailer, err := app.SMTP(post.addr)
	require.NoError(t, err)
	s := newSite(t, func(o *app.Options) { o.Mail = mailer })
	b := s.browser()
	phone, _ := b.enroll(ana)
	got := read(t, <-post.mails)
	require.Equal(t, ana.Email, got.To)
	page := s.browser().get(link(t, got)).is(http.StatusOK)
	s.browser().post("/2fa/not-me", "event", page.event()).says("Your account is closed")
	s.browser().password(ana).is(http.StatusForbidden)
	b.post("/2fa/code", "code", phone.Peek()).out()
}

func TestSMTPRefusals(t *testing.T) {
	post := newPostOffice(t)
	mailer, err := app.SMTP(post.addr)
	require.NoError(t, err)
	post.no = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	s := newSite(t, func(o *app.Options) { o.Mail = mailer })
	phone, _ := s.browser().enroll(ana)
	require.NoError(t, s.console.Drain(t.Context()))
	post.no = nil
	s.clock.Advance(3 * time.Minute)
	require.NoError(t, s.console.Deliver(t.Context())) // a mail that was refused for now is sent again
	read(t, <-post.mails)

	post.no = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	s.browser().signIn(ana, phone, "trust", "yes")
	require.NoError(t, s.console.Drain(t.Context()))
	post.no = nil
	s.clock.Advance(time.Minute)
	b := s.browser()
	b.signIn(ana, phone)
	b.post("/2fa/security/revoke-all").redirects("/2fa/security")
	require.Contains(t, read(t, <-post.mails).Subject, "All trusted browsers removed") // the mail that was lost holds nothing up
}

func TestSMTPAddress(t *testing.T) {
	for _, bad := range []string{"", "localhost", "localhost:smtp", "localhost:99999", ":25"} {
		_, err := app.SMTP(bad)
		require.Error(t, err, bad)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mails")
	m := app.Mail{To: ana.Email, Subject: "Größe “x”", Text: "Hello,\n\n" + strings.Repeat("a long line ", 30) + "\n"}
	require.NoError(t, app.Folder(dir).Send(t.Context(), m))
	require.NoError(t, app.Folder(dir).Send(t.Context(), m))
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	f, err := os.Open(files[0])
	require.NoError(t, err)
	defer f.Close()
	msg, err := mail.ReadMessage(f)
	require.NoError(t, err)
	require.Equal(t, m, read(t, msg))
	require.Error(t, app.Folder(dir).Send(t.Context(), app.Mail{To: "nobody at all"}))
}
