package app_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Deleting the record of the second factor, or putting back one from before the
// enrollment, does not switch the second factor off: the console remembers it.
func TestLostRecordClosesTheAccount(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.enroll(ana)
	_, err := s.db.Exec(`DELETE FROM totpflow_accounts`)
	require.NoError(t, err)
	s.browser().password(ana).is(http.StatusForbidden).says("ask your administrator")
	b.get("/").is(http.StatusForbidden)
	s.browser().password(admin).redirects("/")
}

// The same for an earlier record from before the last change of factors.
func TestOldRecordClosesTheAccount(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	s.mails.settle()
	const columns = `version, state, sealed, updated`
	var version, sealed []byte
	var user, state string
	var updated int64
	require.NoError(t, s.db.QueryRow(`SELECT user_id, `+columns+` FROM totpflow_accounts WHERE state = 'active'`).Scan(&user, &version, &state, &sealed, &updated))
	b.post("/2fa/security/disable", "totpflow_code", phone.Code()).redirects("/2fa/security")
	b.get("/2fa/security").is(http.StatusOK)

	s.mails.settle()
	_, err := s.db.Exec(`UPDATE totpflow_accounts SET (`+columns+`, due) = (?, ?, ?, ?, NULL) WHERE user_id = ?`, version, state, sealed, updated, user)
	require.NoError(t, err)
	s.browser().password(ana).is(http.StatusForbidden).says("ask your administrator")
}
