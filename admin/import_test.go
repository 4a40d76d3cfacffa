package admin_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// The keys of RFC 6238, Appendix B, are imported unchanged: the code that the RFC gives
// for a time signs in at that time, and once.
func TestImportVectors(t *testing.T) {
	for _, v := range []struct {
		unix      int64
		algorithm totp.Algorithm
		uri, code string // of eight digits
	}{
		{1111111109, totp.SHA1, "otpauth://totp/x?secret=" + servicetest.RFCSecret + "&digits=8", "07081804"},
		{2000000000, totp.SHA256, "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA&digits=8&algorithm=sha256&image=x", "90698825"},
		{1234567890, totp.SHA512, "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA&digits=8&algorithm=SHA512", "93441116"},
	} {
		t.Run(v.code, func(t *testing.T) {
			h := newHarness(t)
			h.Clock.Set(time.Unix(v.unix, 0))
			key, _, err := totp.ReadURI(v.uri)
			require.NoError(t, err)
			require.Equal(t, v.algorithm, key.Params().Algorithm)
			require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: key})[0].Err)
			d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), v.code)
			require.NoError(t, err)
			require.Equal(t, ana.ID.User, d.ID.User)
			d, err = h.VerifyCode(h.Ctx, h.Challenge(ana), v.code)
			refused(t, d, err, totpflow.ErrAlreadyUsed)
		})
	}
}

// Nobody has to set up again: a person who was required to, or who has a grace period, is
// asked for a code from now on. No recovery codes are made, since nobody would see them;
// sessions go on, since people do not notice; an open enrollment page and the proof that
// started it stop working.
func TestImportSatisfiesThePolicy(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	session := h.Mark(ana)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	offered, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	h.Events.Kinds()
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Name: "Old phone", Key: rfcKey(t)})[0].Err)
	told := h.EventsOf(event.Imported)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)

	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, offered.Code())
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	_, err = h.BeginEnrollment(h.Ctx, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof)
	require.True(t, h.SessionStands(ana, session))

	h.Clock.Advance(days(15))
	st := h.Status(ana)
	require.Equal(t, enroll.Active, st.State)
	require.Equal(t, "Old phone", st.Authenticators[0].Name)
	require.Equal(t, told[0].Authenticator, st.Authenticators[0].ID)
	require.Zero(t, st.RecoveryCodes)
	require.Equal(t, admin.StateEnabled, h.Member(anaID).State)
	phone, err := totptest.TypeSecret(servicetest.RFCSecret, h.Clock)
	require.NoError(t, err)
	h.PassByCode(ana, phone)
	h.NewRecoveryCodes(ana, phone)
}

// A run that was cut short is repeated: records that exist are left alone, used codes
// stay used, and nothing is written.
func TestImportAgain(t *testing.T) {
	h := newHarness(t)
	row := admin.Imported{ID: anaID, Key: rfcKey(t)}
	require.NoError(t, h.Import(row)[0].Err)
	phone, err := totptest.TypeSecret(servicetest.RFCSecret, h.Clock)
	require.NoError(t, err)
	code := phone.Code()
	_, err = h.VerifyCode(h.Ctx, h.Challenge(ana), code)
	require.NoError(t, err)
	h.Unchanged(func() {
		require.NoError(t, h.Import(row)[0].Err)
		d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code)
		refused(t, d, err, totpflow.ErrAlreadyUsed)
	})
}

// An import overwrites no account, and does not open one that an administrator or its
// owner has closed. The other rows are still imported.
func TestImportRefused(t *testing.T) {
	var phones provider
	h := newHarness(t, withPhones(&phones, ofTenants)...)
	adm := h.Admin(nil)
	user := func(state string) totpflow.User {
		return totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: state}}
	}
	refusals := map[string]struct {
		is   error
		make func(id store.AccountID)
	}{
		"enrolled": {admin.ErrAlreadyEnrolled, func(id store.AccountID) { h.Enroll(user(id.User)) }},
		"reset": {enroll.ErrTransition, func(id store.AccountID) {
			h.Enroll(user(id.User))
			require.NoError(t, servicetest.ErrorOf(adm.Reset(h.Ctx, ops, id, admin.ScopeAll)))
		}},
		"exempt": {enroll.ErrTransition, func(id store.AccountID) { require.NoError(t, servicetest.ErrorOf(adm.Exempt(h.Ctx, ops, id, "agent"))) }},
		"frozen, and disabled before by a thief": {totpflow.ErrFrozen, func(id store.AccountID) {
			phone, _ := h.Enroll(user(id.User))
			h.Events.Kinds()
			require.NoError(t, servicetest.ErrorOf(h.Account(user(id.User)).Disable(h.Ctx, h.Prove(user(id.User), totpflow.ActionDisable, phone))))
			require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(h.EventsOf(event.Disabled)[0]))))
		}},
		"a phone and nothing else": {admin.ErrAlreadyEnrolled, func(id store.AccountID) {
			h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Methods: everyMethod})
			h.EnrollPhone(user(id.User), &phones)
			h.SetPolicy("acme", policy.Policy{Mode: policy.Optional, Methods: everyMethod})
		}},
		"another import": {admin.ErrAlreadyEnrolled, func(id store.AccountID) {
			key, err := totp.NewKey(totp.Params{})
			require.NoError(t, err)
			require.NoError(t, h.Import(admin.Imported{ID: id, Key: key})[0].Err)
		}},
	}
	rows := []admin.Imported{row(t, "acme", "first")}
	want := []error{nil}
	for state, c := range refusals {
		id := store.AccountID{Tenant: "acme", User: state}
		c.make(id)
		rows, want = append(rows, row(t, id.Tenant, id.User)), append(want, c.is)
	}
	rows = append(rows,
		admin.Imported{ID: store.AccountID{Tenant: "acme", User: "no key"}},
		row(t, "acme", ""),
		row(t, "globex", "last"),
	)
	want = append(want, totp.ErrNoKey, store.ErrID, nil)
	before := h.Versions()
	for i, o := range h.Import(rows...) {
		require.ErrorIs(t, o.Err, want[i], o.ID)
		if want[i] != nil {
			require.False(t, o.Already, o.ID)
			require.Zero(t, o.Change, o.ID)
			require.Equal(t, before[o.ID], h.Versions()[o.ID], o.ID)
		}
	}
	require.Equal(t, totpflow.AskCode, h.Step(user("first")))
	require.Equal(t, totpflow.AskCode, h.Step(totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: "last"}}))
}

// Codes that the person used here before, and the last step of a secret that was removed
// a moment ago, stay used.
func TestImportOfASecretThatWasHere(t *testing.T) {
	h := newHarness(t)
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	phone, err := totptest.TypeSecret(servicetest.RFCSecret, h.Clock)
	require.NoError(t, err)
	code := phone.Code()
	proof, err := h.Account(ana).VerifyCode(h.Ctx, totpflow.ActionDisable.On(""), code)
	require.NoError(t, err)
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, proof)))
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code)
	refused(t, d, err, totpflow.ErrAlreadyUsed)
	h.PassByCode(ana, phone)
}

// The rows of one account are its authenticators, and each of them signs in. A row beyond
// the limit of an account is refused; a second row with the same key counts as imported.
func TestImportSeveralOfOneAccount(t *testing.T) {
	h := newHarness(t)
	var rows []admin.Imported
	var phones []*totptest.Authenticator
	for i := range enroll.MaxAuthenticators + 1 {
		rows = append(rows, row(t, "acme", anaID.User))
		rows[i].Name = "phone " + strconv.Itoa(i)
		phone, err := totptest.TypeSecret(rows[i].Key.Secret(), h.Clock)
		require.NoError(t, err)
		phones = append(phones, phone)
	}
	rows = append(rows, rows[0], row(t, "acme", "ben"))
	again := append(slices.Clone(rows[:1]), row(t, "acme", anaID.User))
	outcomes := h.Import(rows...)
	for i, o := range outcomes {
		switch i {
		case enroll.MaxAuthenticators:
			require.ErrorIs(t, o.Err, enroll.ErrTooManyAuthenticators)
		case enroll.MaxAuthenticators + 1:
			require.True(t, o.Already && o.Err == nil)
		default:
			require.NoError(t, o.Err)
			require.False(t, o.Already)
		}
		require.True(t, o.New)
	}
	require.Len(t, h.EventsOf(event.Imported), enroll.MaxAuthenticators+1)
	h.Unchanged(func() {
		for i, o := range h.Import(rows[:2]...) {
			require.NoError(t, o.Err, i)
			require.True(t, o.Already && !o.New, i)
		}
		// A second authenticator beside the first requires all that are there.
		o := h.Import(again...)
		require.NoError(t, o[0].Err)
		require.ErrorIs(t, o[1].Err, admin.ErrAlreadyEnrolled)
	})
	for _, phone := range phones[:enroll.MaxAuthenticators] {
		h.PassByCode(ana, phone)
	}
	// Once its owner has shown a code, no other authenticator is imported beside it.
	h.Import(rows[len(rows)-1])
	ben := totpflow.User{ID: rows[len(rows)-1].ID}
	phone, err := totptest.TypeSecret(rows[len(rows)-1].Key.Secret(), h.Clock)
	require.NoError(t, err)
	h.PassByCode(ben, phone)
	o := h.Import(rows[len(rows)-1], row(t, "acme", "ben"))
	require.True(t, o[0].Already)
	require.ErrorIs(t, o[1].Err, admin.ErrAlreadyEnrolled)
}

// An import of the rest of an account goes on where the first import had fewer rows.
func TestImportBesideTheSame(t *testing.T) {
	h := newHarness(t)
	first, second := row(t, "acme", anaID.User), row(t, "acme", anaID.User)
	require.NoError(t, h.Import(first)[0].Err)
	require.ErrorIs(t, h.Import(second)[0].Err, admin.ErrAlreadyEnrolled, "a person who exported one secret does not add another")
	outcomes := h.Import(first, second)
	require.True(t, outcomes[0].Already)
	require.NoError(t, outcomes[1].Err)
	require.Equal(t, 2, h.Member(anaID).Authenticators)
}

// If two accounts had one secret, the owner of one could sign in to the other.
func TestImportOfOneSecretForTwoAccounts(t *testing.T) {
	h := newHarness(t)
	ana, ben, eva := row(t, "acme", "ana"), row(t, "globex", "ana"), row(t, "acme", "eva")
	eight, err := totp.ReadSecret(ana.Key.Secret(), totp.Params{Digits: 8})
	require.NoError(t, err)
	ben.Key = eight
	outcomes := h.Import(ana, ben, eva)
	require.ErrorIs(t, outcomes[0].Err, admin.ErrSharedSecret)
	require.ErrorIs(t, outcomes[1].Err, admin.ErrSharedSecret)
	require.NoError(t, outcomes[2].Err)
	require.Zero(t, h.Versions()[ana.ID])
	require.ErrorIs(t, h.Import(ana, ben)[0].Err, admin.ErrSharedSecret, "also where nothing else is left")
	// Two rows without a key do not share a secret.
	for _, o := range h.Import(admin.Imported{ID: ana.ID}, admin.Imported{ID: eva.ID}) {
		require.ErrorIs(t, o.Err, totp.ErrNoKey)
	}
	// Within one account it is one secret in two forms.
	ben.ID = ana.ID
	outcomes = h.Import(ana, ben)
	require.NoError(t, outcomes[0].Err)
	require.ErrorIs(t, outcomes[1].Err, enroll.ErrSameSecret)
}

// An account whose record does not open, or that the store fails to write, is left as it is
// and says so. The others are imported, and each outcome has the state of its account.
func TestImportBesideAnAccountThatFails(t *testing.T) {
	h := newHarness(t)
	broken, good, again := row(t, "acme", "broken"), row(t, "acme", "good"), row(t, "acme", "again")
	h.Step(totpflow.User{ID: broken.ID})
	h.Garble(broken.ID)
	require.NoError(t, h.Import(again)[0].Err)
	before := h.Versions()
	outcomes := h.Import(broken, good, again)
	require.ErrorIs(t, outcomes[0].Err, keyring.ErrOpen)
	require.Zero(t, outcomes[0].Change)
	require.Equal(t, before[broken.ID], h.Versions()[broken.ID])
	for _, o := range outcomes[1:] {
		require.NoError(t, o.Err)
		m := h.Member(o.ID)
		require.Equal(t, totpflow.Change{ID: o.ID, Generation: m.Generation, Mark: m.Mark}, o.Change)
	}
	h.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	outcomes, err := h.Admin(nil).Import(h.Ctx, ops, []admin.Imported{row(t, "acme", "new"), again})
	require.NoError(t, err)
	require.ErrorIs(t, outcomes[0].Err, store.ErrUnavailable)
	require.Zero(t, outcomes[0].Change)
	require.NoError(t, outcomes[1].Err, "nothing is written for it")
}

// A preview writes nothing, reports no event and consumes no proof; an administrator who
// may not import learns nothing from it.
func TestPreviewImport(t *testing.T) {
	o := newOrganization(t)
	by := o.By(o.boss, admin.ActionImport)
	rows := []admin.Imported{row(t, "acme", "new"), row(t, "globex", "other"), {ID: o.boss.ID, Key: rfcKey(t)}}
	o.Events.Kinds()
	o.Unchanged(func() {
		outcomes, err := o.admin.PreviewImport(o.Ctx, by, rows)
		require.NoError(t, err)
		require.Equal(t, admin.Outcome{ID: rows[0].ID, New: true}, outcomes[0])
		require.ErrorIs(t, outcomes[1].Err, admin.ErrNotAllowed)
		require.ErrorIs(t, outcomes[2].Err, admin.ErrSelf)
		_, err = o.Admin(nil).PreviewImport(o.Ctx, by, rows)
		require.ErrorIs(t, err, admin.ErrNotAllowed)
		_, err = o.admin.PreviewImport(o.Ctx, ops, nil)
		require.ErrorIs(t, err, admin.ErrBulk)
	})
	require.Empty(t, o.Events.Kinds())
	outcomes, err := o.admin.Import(o.Ctx, by, rows)
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err, "the proof is still good")
}

// Recovery codes where the policy does not allow them: none are made later either.
func TestImportedPersonWithoutRecoveryCodes(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err)
	phone, err := totptest.TypeSecret(servicetest.RFCSecret, h.Clock)
	require.NoError(t, err)
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, h.Prove(ana, totpflow.ActionRecoveryCodes, phone))
	require.ErrorIs(t, err, totpflow.ErrMethodNotAllowed)
}

// The code of a weak secret signs in until its date, and leads to a new authenticator
// each time; from the date on, only a mailed code does. The password alone never does.
func TestWeakImport(t *testing.T) {
	const secret = "KRSXG5CTMVRXEZLU" // 80 bits
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	key, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(t, err)
	row := admin.Imported{ID: anaID, Key: key}
	require.ErrorIs(t, h.Import(row)[0].Err, enroll.ErrWeak, "without a date")
	row.WeakUntil = h.Clock.Now().Add(days(91))
	require.ErrorIs(t, h.Import(row)[0].Err, enroll.ErrWeak, "for too long")
	row.WeakUntil = h.Clock.Now().Add(days(90))
	begun, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, begun.Step)
	require.NoError(t, h.Import(row)[0].Err)
	_, err = h.BeginEnrollment(h.Ctx, begun.Challenge)
	require.ErrorIs(t, err, totpflow.ErrChallenge, "one of before the import")

	m := h.Member(anaID)
	require.Equal(t, admin.StateEnabled, m.State)
	require.Equal(t, row.WeakUntil, m.WeakUntil)
	var counts admin.Counts
	counts.Add(m)
	require.Equal(t, 1, counts.Weak)
	require.Equal(t, row.WeakUntil, h.Status(ana).Authenticators[0].WeakUntil)

	old, err := totptest.TypeSecret(secret, h.Clock)
	require.NoError(t, err)
	asked := h.Challenge(ana)
	_, err = h.BeginEnrollment(h.Ctx, asked)
	require.ErrorIs(t, err, totpflow.ErrChallenge, "the password alone")
	for range 2 { // a person who does not finish has to show a code again
		d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), old.Code())
		require.NoError(t, err)
		require.Equal(t, totpflow.Enroll, d.Step)
		require.Equal(t, []totpflow.Method{totpflow.MethodCode}, d.Methods)
		require.Empty(t, d.ID.User)
		require.Empty(t, d.Proof)
		page, err := h.BeginEnrollment(h.Ctx, d.Challenge)
		require.NoError(t, err)
		require.Len(t, page.Clears, 1)
		_, err = h.BeginPhone(h.Ctx, d.Challenge, number("+436601234567"))
		require.Error(t, err, "and to no phone")
	}
	first, second := old.Pair()
	d, err := h.VerifyPair(h.Ctx, h.Challenge(ana), first, second)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)

	// An account whose owner has enrolled is like any other from then on.
	fresh, codes := h.EnrollBy(d.Challenge)
	require.Len(t, codes, 10)
	h.PassByCode(ana, fresh)
	require.Zero(t, h.Member(anaID).WeakUntil)
	h.Clock.Advance(days(91))
	h.PassByCode(ana, fresh)
}

// The owner does not enroll before the date.
func TestWeakImportLapses(t *testing.T) {
	const secret = "KRSXG5CTMVRXEZLU"
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	key, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(t, err)
	until := h.Clock.Now().Add(days(30))
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: key, WeakUntil: until})[0].Err)
	old, err := totptest.TypeSecret(secret, h.Clock)
	require.NoError(t, err)
	h.Clock.Set(until.Add(-time.Minute))
	late := h.Challenge(ana)
	h.Clock.Set(until)

	d, err := h.VerifyCode(h.Ctx, late, old.Code())
	refused(t, d, err, totpflow.ErrNotEnrolled)
	d, err = h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, d.Step)
	require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, d.Methods)
	_, err = h.BeginEnrollment(h.Ctx, d.Challenge)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.VerifyCode(h.Ctx, d.Challenge, old.Code())
	require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
	m := h.Member(anaID)
	require.Equal(t, admin.StateRequired, m.State)
	require.True(t, m.NeedsCode)
	var counts admin.Counts
	counts.Add(m)
	require.Zero(t, counts.Weak)

	d, err = h.VerifyIssuedCode(h.Ctx, d.Challenge, h.IssueCode(anaID))
	require.NoError(t, err)
	fresh, _ := h.EnrollBy(d.Challenge)
	h.PassByCode(ana, fresh)
}
