package totpflow_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// The secret of RFC 6238, Appendix B, for SHA-1, in base32.
const rfcSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func rfcKey(t testing.TB) totp.Key {
	t.Helper()
	key, err := totp.ParseSecret(rfcSecret, totp.Params{})
	require.NoError(t, err)
	return key
}

func (h *house) imports(rows ...admin.Imported) []admin.Outcome {
	h.t.Helper()
	outcomes, err := h.Admin(nil).Import(h.ctx, ops, rows)
	require.NoError(h.t, err)
	require.Len(h.t, outcomes, len(rows))
	for i := range rows {
		require.Equal(h.t, rows[i].ID, outcomes[i].ID)
	}
	return outcomes
}

// The keys of RFC 6238, Appendix B, come over as they are: the code that the RFC
// gives for a time signs in at that time, and once.
func TestImportVectors(t *testing.T) {
	for _, v := range []struct {
		unix      int64
		algorithm totp.Algorithm
		uri, code string // of eight digits
	}{
		{1111111109, totp.SHA1, "otpauth://totp/x?secret=" + rfcSecret + "&digits=8", "07081804"},
		{2000000000, totp.SHA256, "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA&digits=8&algorithm=sha256&image=x", "90698825"},
		{1234567890, totp.SHA512, "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA&digits=8&algorithm=SHA512", "93441116"},
	} {
		t.Run(v.code, func(t *testing.T) {
			h := newHouse(t)
			h.clock.Set(time.Unix(v.unix, 0))
			key, _, err := totp.ReadURI(v.uri)
			require.NoError(t, err)
			require.Equal(t, v.algorithm, key.Params().Algorithm)
			require.NoError(t, h.imports(admin.Imported{ID: anaID, Key: key})[0].Err)
			d, err := h.VerifyCode(h.ctx, h.ask(ana), v.code)
			require.NoError(t, err)
			require.Equal(t, ana.ID.User, d.ID.User)
			d, err = h.VerifyCode(h.ctx, h.ask(ana), v.code)
			refused(t, d, err, totpflow.ErrAlreadyUsed)
		})
	}
}

// Nobody has to set up again: whoever was required to, or has grace, is asked
// for a code from now on. No recovery codes are made, since nobody would see
// them; sessions go on, since people do not notice; an enrollment page left open and
// the proof that it stood on are dead.
func TestImportSatisfiesThePolicy(t *testing.T) {
	h := newHouse(t, ofTenants)
	h.set("acme", fortnight)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	begun := h.clock.Now()
	page, err := h.BeginEnrollment(h.ctx, next.Proof)
	require.NoError(t, err)
	offered, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(t, err)
	h.events.kinds()
	require.NoError(t, h.imports(admin.Imported{ID: anaID, Name: "Old phone", Key: rfcKey(t)})[0].Err)
	told := h.told(event.Imported)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)

	_, err = h.ConfirmEnrollment(h.ctx, page.Token, offered.Code())
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	_, err = h.BeginEnrollment(h.ctx, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof)
	valid, err := h.Account(ana).SessionValid(h.ctx, begun)
	require.NoError(t, err)
	require.True(t, valid)

	h.clock.Advance(days(15))
	st := h.status(ana)
	require.Equal(t, enroll.Active, st.State)
	require.Equal(t, "Old phone", st.Authenticators[0].Name)
	require.Equal(t, told[0].Authenticator, st.Authenticators[0].ID)
	require.Zero(t, st.RecoveryCodes)
	require.Equal(t, admin.StateEnabled, h.member(anaID).State)
	phone, err := totptest.TypeSecret(rfcSecret, h.clock)
	require.NoError(t, err)
	h.pass(ana, phone)
	h.newCodes(ana, phone)
}

// A run that was cut short is repeated: what is there already is left alone, used
// codes stay used, and nothing is written.
func TestImportAgain(t *testing.T) {
	h := newHouse(t)
	row := admin.Imported{ID: anaID, Key: rfcKey(t)}
	require.NoError(t, h.imports(row)[0].Err)
	phone, err := totptest.TypeSecret(rfcSecret, h.clock)
	require.NoError(t, err)
	code := phone.Code()
	_, err = h.VerifyCode(h.ctx, h.ask(ana), code)
	require.NoError(t, err)
	h.unchanged(func() {
		require.NoError(t, h.imports(row)[0].Err)
		d, err := h.VerifyCode(h.ctx, h.ask(ana), code)
		refused(t, d, err, totpflow.ErrAlreadyUsed)
	})
}

// An import overwrites nobody, and opens no account that an administrator or its
// owner has closed. The other rows are done all the same.
func TestImportRefused(t *testing.T) {
	h := newHouse(t, ofTenants)
	adm := h.Admin(nil)
	user := func(state string) totpflow.User {
		return totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: state}}
	}
	refusals := map[string]struct {
		is   error
		make func(id store.AccountID)
	}{
		"enrolled": {admin.ErrAlreadyEnrolled, func(id store.AccountID) { h.enroll(user(id.User)) }},
		"reset": {enroll.ErrTransition, func(id store.AccountID) {
			h.enroll(user(id.User))
			require.NoError(t, adm.Reset(h.ctx, ops, id, admin.ScopeAll))
		}},
		"exempt": {enroll.ErrTransition, func(id store.AccountID) { require.NoError(t, adm.Exempt(h.ctx, ops, id, "agent")) }},
		"frozen, and disabled before by a thief": {totpflow.ErrFrozen, func(id store.AccountID) {
			phone, _ := h.enroll(user(id.User))
			h.events.kinds()
			require.NoError(t, h.Account(user(id.User)).Disable(h.ctx, h.prove(user(id.User), totpflow.ActionDisable, phone)))
			require.NoError(t, h.Disown(h.ctx, h.NewDisownToken(h.told(event.Disabled)[0])))
		}},
		"another import of the same run": {admin.ErrAlreadyEnrolled, func(id store.AccountID) {
			key, err := totp.NewKey(totp.Params{})
			require.NoError(t, err)
			require.NoError(t, h.imports(admin.Imported{ID: id, Key: key})[0].Err)
		}},
	}
	rows := []admin.Imported{{ID: store.AccountID{Tenant: "acme", User: "first"}, Key: rfcKey(t)}}
	want := []error{nil}
	for state, c := range refusals {
		id := store.AccountID{Tenant: "acme", User: state}
		c.make(id)
		rows, want = append(rows, admin.Imported{ID: id, Key: rfcKey(t)}), append(want, c.is)
	}
	rows = append(rows,
		admin.Imported{ID: store.AccountID{Tenant: "acme", User: "no key"}},
		admin.Imported{ID: store.AccountID{Tenant: "acme"}, Key: rfcKey(t)},
		admin.Imported{ID: store.AccountID{Tenant: "globex", User: "last"}, Key: rfcKey(t)},
	)
	want = append(want, totp.ErrNoKey, store.ErrID, nil)
	before := h.versions()
	for i, o := range h.imports(rows...) {
		require.ErrorIs(t, o.Err, want[i], o.ID)
		if want[i] != nil {
			require.Equal(t, before[o.ID], h.versions()[o.ID], o.ID)
		}
	}
	require.Equal(t, totpflow.AskCode, h.step(user("first")))
	require.Equal(t, totpflow.AskCode, h.step(totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: "last"}}))
}

// Codes that the person used here before, and the step of a secret that was here
// until a moment ago, stay used.
func TestImportOfASecretThatWasHere(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.imports(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	phone, err := totptest.TypeSecret(rfcSecret, h.clock)
	require.NoError(t, err)
	code := phone.Code()
	proof, err := h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionDisable, code)
	require.NoError(t, err)
	require.NoError(t, h.Account(ana).Disable(h.ctx, proof))
	require.NoError(t, h.imports(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	d, err := h.VerifyCode(h.ctx, h.ask(ana), code)
	refused(t, d, err, totpflow.ErrAlreadyUsed)
	h.pass(ana, phone)
}

// A call takes from one to 1000 accounts: so much does one proof.
func TestBulkBounds(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	for n, ok := range map[int]bool{0: false, 1: true, 1000: true, 1001: false} {
		var rows []admin.Imported
		var users []string
		for i := range n {
			rows = append(rows, admin.Imported{ID: store.AccountID{Tenant: "acme", User: strconv.Itoa(i)}, Key: rfcKey(t)})
			users = append(users, strconv.Itoa(i))
		}
		outcomes, err := h.Admin(nil).Import(h.ctx, ops, rows)
		reset, errReset := h.Admin(nil).ResetMany(h.ctx, ops, "acme", users, admin.ScopeBrowsers)
		if !ok {
			require.ErrorIs(t, err, admin.ErrBulk)
			require.ErrorIs(t, errReset, admin.ErrBulk)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, errReset)
		require.Len(t, outcomes, n)
		require.Len(t, reset, n)
	}
}

// Recovery codes where policy does not know them: none are made later either.
func TestImportedPersonWithoutRecoveryCodes(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	require.NoError(t, h.imports(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	phone, err := totptest.TypeSecret(rfcSecret, h.clock)
	require.NoError(t, err)
	_, err = h.Account(ana).NewRecoveryCodes(h.ctx, h.prove(ana, totpflow.ActionRecoveryCodes, phone))
	require.ErrorIs(t, err, totpflow.ErrMethodNotAllowed)
}
