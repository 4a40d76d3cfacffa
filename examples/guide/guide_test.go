package guide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

var ana = totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}

func TestNew(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "acme.keys")
	require.NoError(t, os.WriteFile(keyFile, []byte(keyring.Generate()), 0o600))
	file := filepath.Join(t.TempDir(), "acme.db")
	mfa, err := newSecondFactor(t.Context(), file, keyFile)
	require.NoError(t, err)
	next, err := mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step, "the handlers of the guide continue with it")

	require.NoError(t, os.WriteFile(keyFile, []byte(keyring.Generate()), 0o600))
	_, err = newSecondFactor(t.Context(), file, keyFile)
	require.ErrorIs(t, err, keyring.ErrUnknownKey, "the keys of another database")
}

// The handlers let a person set up, sign in, be refused and confirm an action.
func TestHandlers(t *testing.T) {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	mfa, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys,
		Policy: policy.Fixed{Mode: policy.Required}, Now: clock.Now,
	})
	require.NoError(t, err)

	var session string
	var mark totpflow.SessionMark
	var proof totpflow.Proof
	shown := make(map[string]any)
	p := &product{
		mfa:      mfa,
		password: func(*http.Request) (totpflow.User, error) { return ana, nil },
		start: func(_ http.ResponseWriter, d totpflow.Decision) {
			session, mark, proof = d.ID.User, d.Mark, d.Proof
		},
		end:     func(http.ResponseWriter, *http.Request) { proof = "" },
		current: func(*http.Request) (totpflow.User, totpflow.SessionMark, totpflow.Proof) { return ana, mark, proof },
		show:    func(_ http.ResponseWriter, page string, data any) { shown[page] = data },
	}
	post := client(t, p)
	// do posts a form and returns the status and the user whose session has begun.
	do := func(path string, form url.Values) (int, string) {
		session = ""
		return post(path, form), session
	}
	is := func(status int, user string) func(int, string) {
		return func(gotStatus int, gotUser string) {
			t.Helper()
			require.Equal(t, status, gotStatus)
			require.Equal(t, user, gotUser)
		}
	}

	is(http.StatusOK, "")(do("/signin", nil)) // and continues at /setup
	phone, err := totptest.ScanURI(shown["setup"].(totpflow.PendingEnrollment).Offer.URI(), clock)
	require.NoError(t, err)
	is(http.StatusOK, "42")(do("/confirm", url.Values{"code": {phone.Code()}}))
	require.Len(t, shown["recovery codes"].(recovery.Sheet).Codes, recovery.Codes)

	is(http.StatusOK, "")(do("/signin", nil))
	require.Contains(t, shown, "code")
	is(http.StatusForbidden, "")(do("/code", url.Values{"code": {phone.WrongCode()}}))
	is(http.StatusForbidden, "")(do("/code", url.Values{"code": {phone.Peek()}})) // used by the enrollment
	is(http.StatusOK, "42")(do("/code", url.Values{"code": {phone.Code()}, "trust": {"yes"}}))
	is(http.StatusUnauthorized, "")(do("/code", url.Values{"code": {phone.Code()}})) // that sign-in is over
	is(http.StatusOK, "42")(do("/signin", nil))                                      // the browser is trusted

	require.ErrorIs(t, p.deleteBackup(t.Context(), ana, "7", phone.WrongCode(), "correct horse"), totpflow.ErrRejected)
	require.NoError(t, p.deleteBackup(t.Context(), ana, "7", phone.Code(), ""))

	// A new password ends the trust and the session.
	_, err = p.signedIn(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	clock.Advance(time.Minute)
	require.NoError(t, second(mfa.Account(ana).PasswordChanged(t.Context())))
	_, err = p.signedIn(httptest.NewRequest(http.MethodGet, "/", nil))
	require.ErrorIs(t, err, errSignedOut)

	// Two codes in a row. Then the phone is lost, and the recovery code leads to a new
	// one.
	is(http.StatusOK, "")(do("/signin", nil))
	first, second := phone.Pair()
	is(http.StatusOK, "42")(do("/other", url.Values{"code": {first}, "code2": {second}}))
	is(http.StatusOK, "")(do("/signin", nil))
	codes := shown["recovery codes"].(recovery.Sheet).Codes
	is(http.StatusOK, "42")(do("/other", url.Values{"recovery_code": {codes[0]}})) // and continues at /setup
	again := shown["setup"].(totpflow.PendingEnrollment)
	require.Equal(t, []string{"Authenticator"}, again.Clears)
	is(http.StatusOK, "")(do("/setup", nil)) // reloaded: the same page
	require.Equal(t, again.Offer.URI(), shown["setup"].(totpflow.PendingEnrollment).Offer.URI())
	slow, err := totptest.ScanURI(again.Offer.URI(), clock)
	require.NoError(t, err)
	slow.SetDrift(-time.Hour)
	is(http.StatusForbidden, "")(do("/confirm", url.Values{"code": {slow.Peek()}}))
	slow.SetDrift(0)
	is(http.StatusOK, "42")(do("/confirm", url.Values{"code": {slow.Code()}}))
}

// Support: an administrator resets the account with their own code, the person sets up
// again, and the mail about it can close the account.
func TestAdministration(t *testing.T) {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	boss := totpflow.User{ID: totpflow.AccountID{User: "1"}, Name: "boss@acme.example"}
	var link string
	p := &product{
		mail: func(_ context.Context, e event.Event, notMe string) error {
			if e.Kind == event.Reset {
				link = notMe
			}
			return nil
		},
		mayAdministrate: func(_ context.Context, actor totpflow.User, _ totpflow.Action, _ store.AccountID) error {
			if actor.ID.User != boss.ID.User {
				return errors.New("no administrator")
			}
			return nil
		},
	}
	p.mfa, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Notifier: event.NotifierFunc(p.notify),
	})
	require.NoError(t, err)
	phones := make(map[string]*totptest.Authenticator)
	for _, u := range []totpflow.User{boss, ana} {
		next, err := p.mfa.SignIn(t.Context(), u)
		require.NoError(t, err)
		page, err := p.mfa.BeginEnrollment(t.Context(), next.Challenge)
		require.NoError(t, err)
		phones[u.ID.User], err = totptest.ScanURI(page.Offer.URI(), clock)
		require.NoError(t, err)
		_, err = p.mfa.ConfirmEnrollment(t.Context(), page.Token, phones[u.ID.User].Code())
		require.NoError(t, err)
	}
	target := store.AccountID{User: ana.ID.User}
	require.ErrorIs(t, second(p.reset(t.Context(), boss, phones[boss.ID.User].WrongCode(), target)), totpflow.ErrRejected)
	require.ErrorIs(t, second(p.reset(t.Context(), ana, phones[ana.ID.User].Code(), store.AccountID{User: boss.ID.User})), admin.ErrNotAllowed)
	clock.Advance(time.Minute)
	require.NoError(t, second(p.reset(t.Context(), boss, phones[boss.ID.User].Code(), target)))
	next, err := p.mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)

	require.NoError(t, p.mfa.Drain(t.Context())) // mails go out in the background
	_, token, found := strings.Cut(link, "?t=")
	require.True(t, found)
	require.NoError(t, second(p.mfa.Disown(t.Context(), totpflow.DisownToken(token))))
	_, err = p.mfa.SignIn(t.Context(), ana)
	require.ErrorIs(t, err, totpflow.ErrFrozen)
}

// pigeon keeps the message that a provider would get.
type pigeon struct{ phone.Message }

func (p *pigeon) Send(_ context.Context, m phone.Message) error {
	p.Message = m
	return nil
}

var errPassword = errors.New("wrong password")

// If the policy allows codes by SMS, a person sets up and signs in with them. Before that,
// the password is enough for a deletion, and afterwards it is not: a phone is a second
// factor, too, although no app can show a code.
func TestByPhone(t *testing.T) {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	sent := new(pigeon)
	var session string
	shown := make(map[string]any)
	p := &product{
		password: func(*http.Request) (totpflow.User, error) { return ana, nil },
		start:    func(_ http.ResponseWriter, d totpflow.Decision) { session = d.ID.User },
		end:      func(http.ResponseWriter, *http.Request) { session = "" },
		show:     func(_ http.ResponseWriter, page string, data any) { shown[page] = data },
		checkPassword: func(_ context.Context, _ totpflow.User, typed string) error {
			if typed != "correct horse" {
				return errPassword
			}
			return nil
		},
	}
	p.mfa, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required, Methods: policy.App | policy.Phone},
		Phones: &phone.Delivery{Sender: sent, Destinations: phone.Destinations{Only: []string{"+43"}}},
	})
	require.NoError(t, err)
	next, err := p.mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.ErrorIs(t, p.deleteBackup(t.Context(), ana, "7", "", "wrong"), errPassword)
	require.NoError(t, p.deleteBackup(t.Context(), ana, "7", "", "correct horse"))
	number, err := phone.ParseNumber("+436601234567")
	require.NoError(t, err)
	page, err := p.mfa.BeginPhone(t.Context(), next.Challenge, number)
	require.NoError(t, err)
	_, err = p.mfa.SendEnrollmentCode(t.Context(), page.Token, phone.SMS)
	require.NoError(t, err)
	_, err = p.mfa.ConfirmPhone(t.Context(), page.Token, sent.Code.Digits())
	require.NoError(t, err)
	require.ErrorIs(t, p.deleteBackup(t.Context(), ana, "7", "", "correct horse"), totpflow.ErrNotEnrolled)
	clock.Advance(time.Minute) // at most one message in 30 seconds

	post := client(t, p)
	require.Equal(t, http.StatusOK, post("/signin", nil))
	to := shown["code"].(totpflow.Decision).Phones[0].ID
	require.Equal(t, http.StatusOK, post("/phone", url.Values{"phone": {to}}))
	require.Equal(t, "+43 ••• ••67", fmt.Sprint(shown["phone code"]))
	require.Equal(t, http.StatusForbidden, post("/phone", url.Values{"phone_code": {"0" + sent.Code.Digits()[:5]}}))
	require.Empty(t, session)
	require.Equal(t, http.StatusOK, post("/phone", url.Values{"phone_code": {sent.Code.Digits()}}))
	require.Equal(t, ana.ID.User, session)
}

// client posts forms to the handlers, as one browser that follows redirects.
func client(t *testing.T, p *product) func(path string, form url.Values) int {
	mux := http.NewServeMux()
	mux.HandleFunc("/signin", p.signIn)
	mux.HandleFunc("/code", p.code)
	mux.HandleFunc("/setup", p.setUp)
	mux.HandleFunc("/confirm", p.confirm)
	mux.HandleFunc("/other", p.otherWays)
	mux.HandleFunc("/phone", p.byPhone)
	mux.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	return func(path string, form url.Values) int {
		answer, err := browser.PostForm(server.URL+path, form)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
}

// Each error has a text for the person, and some are logged.
func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		text   string
		logged bool
	}{
		{totpflow.ErrRejected, 403, "this code is wrong", false},
		{totpflow.ErrNotEnrolled, 403, "set up your second factor first", false},
		{admin.ErrNotAllowed, 403, "this is not possible", false},
		{&admin.ApprovalError{Request: "x"}, 202, "a second administrator must approve this request", false},
		{store.ErrUnavailable, 503, "we cannot check codes at the moment", true},
		{fmt.Errorf("%w: %w", store.ErrUnavailable, context.Canceled), 503, "this is not possible", false},
		{keyring.ErrOpen, 500, "we cannot check codes at the moment", true},
	} {
		var log bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		w := httptest.NewRecorder()
		new(product).refuse(w, c.err)
		slog.SetDefault(before)
		require.Equal(t, c.status, w.Code)
		require.Equal(t, c.text+"\n", w.Body.String())
		require.Equal(t, c.logged, strings.Contains(log.String(), c.err.Error()))
	}
}

// second returns the error of a call that also returns another value.
func second[T any](_ T, err error) error { return err }
