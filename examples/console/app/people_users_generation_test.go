package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	totpadmin "github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/totptest"
)

// saved copies a person's record, as anyone who can write to the database can, and
// returns a function that puts it back.
func (s *site) saved(who app.DemoAccount) (putBack func()) {
	s.t.Helper()
	s.mails.settle()
	id := s.id(who)
	var version, sealed []byte
	var state string
	var updated int64
	require.NoError(s.t, s.db.QueryRow(`SELECT version, state, sealed, updated FROM totpflow_accounts WHERE user_id = ?`, id).
		Scan(&version, &state, &sealed, &updated))
	return func() {
		s.t.Helper()
		s.mails.settle()
		_, err := s.db.Exec(`UPDATE totpflow_accounts SET version = ?, state = ?, sealed = ?, updated = ?, due = NULL WHERE user_id = ?`,
			version, state, sealed, updated, id)
		require.NoError(s.t, err)
	}
}

// The console keeps the generation of an account that an administrator has changed. If
// the earlier record is put back, the earlier phone lets nobody in.
func TestRecordsOfBeforeAnAdministratorsChange(t *testing.T) {
	for name, change := range map[string]func(s *site, b *browser, phone *totptest.Authenticator){
		"reset": func(s *site, b *browser, phone *totptest.Authenticator) {
			to := s.member(ana)
			b.change(phone, ana, "reset", "scope", "all").redirects(to)
		},
		"machine account": func(s *site, b *browser, phone *totptest.Authenticator) {
			to := s.member(ana)
			b.change(phone, ana, "exempt", "machine", "files-02").redirects(to)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			old, _ := s.browser().enroll(ana)
			b, phone := s.administrator(admin)
			putBack := s.saved(ana)
			change(s, b, phone)
			putBack()
			refused(s, old)
		})
	}
}

// refused asserts that Ana can sign in neither with her password alone nor with an
// earlier phone.
func refused(s *site, old *totptest.Authenticator) {
	s.t.Helper()
	person := s.browser()
	person.password(ana).is(http.StatusForbidden).says("Your account has been closed for your safety.")
	person.post("/2fa/code", "code", old.Code())
	person.get("/").redirects("/signin")
}

// A change that was made elsewhere, such as by the operator's command or by the link in a
// mail, is noticed on the next page of the session that it has ended.
func TestGenerationOfASessionThatIsOver(t *testing.T) {
	for name, change := range map[string]func(*site){
		"ended": func(s *site) {
			records := sqlstore.New(s.db, sqlstore.SQLite)
			service, err := totpflow.New(totpflow.Config{Issuer: app.Issuer, Store: records, Keys: s.keys, Now: s.clock.Now})
			require.NoError(s.t, err)
			by := totpadmin.Operator{Name: "root", Reason: "a lost phone"}
			require.NoError(s.t, second(totpadmin.New(service, nil).Reset(s.t.Context(), by, store.AccountID{Tenant: "acme", User: s.id(ana)}, totpadmin.ScopeAll)))
		},
		"closed": func(s *site) {
			link := linkInMail.FindStringSubmatch(s.last(ana, "set up").Text)[1]
			s.browser().post("/2fa/not-me", "event", s.browser().get(link).event()).is(http.StatusOK)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			person := s.browser()
			old, _ := person.enroll(ana)
			s.clock.Advance(time.Second)
			putBack := s.saved(ana)
			change(s)
			person.get("/").out()
			putBack()
			refused(s, old)
		})
	}
}

// Deleting a machine's record does not make the machine a person.
func TestGenerationOfMachines(t *testing.T) {
	s := newSite(t)
	_, err := s.db.Exec(`DELETE FROM totpflow_accounts WHERE user_id = ?`, s.id(agent))
	require.NoError(t, err)
	s.browser().password(agent).is(http.StatusForbidden).says("closed for your safety")
	s.url = s.serve() // the start exempts it again
	s.browser().password(agent).is(http.StatusForbidden).says("This is a machine account.")
}
