package admin_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// The page on data protection has a line for each field of the record, and names exactly
// the fields of the export.
func TestPrivacyPage(t *testing.T) {
	text, err := os.ReadFile("../docs/privacy.md")
	require.NoError(t, err)
	var page, shown []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|.*\\|([^|]*)\\|$").FindAllStringSubmatch(string(text), -1) {
		page = append(page, row[1])
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[2], -1) {
			shown = append(shown, name[1])
		}
		require.True(t, strings.Contains(row[2], "`") || strings.TrimSpace(row[2]) == "–", row[0])
	}
	var fields []string
	for i := range reflect.TypeFor[account.Account]().NumField() {
		if f := reflect.TypeFor[account.Account]().Field(i); f.IsExported() { // the other one is the format
			fields = append(fields, snake(f.Name))
		}
	}
	require.ElementsMatch(t, fields, page)

	about := map[string]bool{"tenant": true, "user": true, "exported_at": true, "last_written": true}
	var exported []string
	for i := range reflect.TypeFor[admin.Exported]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[admin.Exported]().Field(i).Tag.Get("json"), ",")
		if !about[name] {
			exported = append(exported, name)
		}
	}
	require.ElementsMatch(t, exported, shown)
}

func snake(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_$2"))
}

// The export contains everything that the person did and has, and none of their secrets.
func TestExport(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	office := admin.New(h.Service, nil)
	_, err := office.Export(h.Ctx, ops, anaID)
	require.ErrorIs(t, err, admin.ErrNoAccount)

	h.Ctx = event.WithSource(h.Ctx, event.Source{Address: "192.0.2.7", UserAgent: "Firefox"})
	app, codes := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	token := h.TrustBrowserOf(ana, app)
	h.Clock.Advance(time.Minute)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &sent)
	_, err = h.VerifyCode(h.Ctx, h.Challenge(ana), app.WrongCode())
	require.ErrorIs(t, err, totpflow.ErrRejected)
	var mail mailbox
	require.NoError(t, office.IssueRecoveryCode(h.Ctx, ops, anaID, mail.Deliver))

	x, err := office.Export(h.Ctx, ops, anaID)
	require.NoError(t, err)
	require.Equal(t, anaID, totpflow.AccountID{Tenant: x.Tenant, User: x.User})
	require.Len(t, x.Authenticators, 1)
	require.Equal(t, 10, x.RecoveryCodes.Total)
	require.Equal(t, "Firefox on Linux", x.Browsers[0].Label)
	require.Equal(t, mobile.E164(), x.Phones[0].Number)
	require.Equal(t, 1, x.WrongCodes)
	require.False(t, x.IssuedAt.IsZero())
	require.NotEmpty(t, x.Attempts)
	text, err := json.Marshal(x)
	require.NoError(t, err)
	for _, part := range []string{"192.0.2.7", "Firefox", "enrollment_confirmed", "code_rejected", mobile.E164()} {
		require.Contains(t, string(text), part)
	}
	rec, err := h.Memory.Get(h.Ctx, anaID)
	require.NoError(t, err)
	var entry account.Account
	err = entry.Open(h.Ring(), rec)
	require.NoError(t, err)
	secrets := append([]string{string(token), mail.Got[0].Code, sent.Code(), entry.Enrollment.Authenticators()[0].Key.Secret(), entry.Mark.String(), entry.Browsers[0].Hash}, codes...)
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		require.NotContains(t, string(text), secret)
	}
}

// An administrator needs the permission of the rule, and one of another tenant gets
// nothing.
func TestExportIsAsked(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	_, err := o.admin.Export(o.Ctx, admin.Administrator{User: o.boss.User}, anaID)
	require.NoError(t, err)
	for _, by := range []admin.Actor{nil, admin.Operator{}, admin.Administrator{User: o.elsewhere.User}} {
		_, err := o.admin.Export(o.Ctx, by, anaID)
		require.ErrorIs(t, err, admin.ErrNotAllowed)
	}
	_, err = admin.New(o.Service, nil).Export(o.Ctx, admin.Administrator{User: o.boss.User}, anaID)
	require.ErrorIs(t, err, admin.ErrNotAllowed)

	_, err = o.admin.Export(o.Ctx, ops, store.AccountID{Tenant: "acme", User: "totpflow:tenant"})
	require.ErrorIs(t, err, store.ErrID, "the record of a tenant is nobody's")
	blind := admin.New(o.Open(ofTenants, func(c *totpflow.Config) { c.Store = servicetest.Unreadable{Store: c.Store, ID: anaID} }), letAll)
	_, err = blind.Export(o.Ctx, ops, anaID)
	require.ErrorIs(t, err, store.ErrUnavailable)
	o.Garble(anaID)
	_, err = o.admin.Export(o.Ctx, ops, anaID)
	require.ErrorIs(t, err, keyring.ErrOpen)
}

// Every field of an export is filled for some person: a field that was left out would
// hide data that is kept.
func TestExportHasEverything(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	office := admin.New(h.Service, nil)
	seen := map[string]bool{}
	export := func(id store.AccountID) admin.Exported {
		x, err := office.Export(h.Ctx, ops, id)
		require.NoError(t, err)
		rec, err := h.Memory.Get(h.Ctx, id)
		require.NoError(t, err)
		require.Equal(t, []any{id.Tenant, id.User, h.Clock.Now(), rec.Updated}, []any{x.Tenant, x.User, x.At, x.Kept})
		fieldsWith(seen, reflect.ValueOf(x), "")
		return x
	}
	user := func(name string) totpflow.User {
		return totpflow.User{ID: store.AccountID{Tenant: "acme", User: name}}
	}

	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	app, codes := h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, app))
	require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx))
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &sent)
	require.NoError(t, second(h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])))
	token := h.TrustBrowserOf(ana, app)
	h.Clock.Advance(25 * time.Hour)
	require.NoError(t, second(h.SignIn(h.Ctx, ana, token)))
	var mail mailbox
	require.NoError(t, office.IssueRecoveryCode(h.Ctx, ops, anaID, mail.Deliver))
	require.NoError(t, second(h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionAddAuthenticator, app))))
	require.NoError(t, second(h.BeginPhone(h.Ctx, h.Prove(ana, totpflow.ActionAddPhone, app), number("+43 660 7654321"))))
	require.ErrorIs(t, second(h.VerifyCode(h.Ctx, h.Challenge(ana), app.WrongCode())), totpflow.ErrRejected)
	export(anaID)
	h.Clock.Advance(25 * time.Hour)
	x := export(anaID)
	require.Zero(t, x.IssuedAt, "it has expired")
	require.Zero(t, x.Offered)
	require.Empty(t, x.PendingPhone)

	ben := user("ben")
	h.Enroll(ben)
	require.NoError(t, second(h.Account(ben).PasswordChanged(h.Ctx)))
	h.Freeze(ben)
	require.True(t, export(ben.ID).CodeDemanded)
	require.NoError(t, office.Unlock(h.Ctx, ops, ben.ID))
	h.Clock.Advance(time.Minute)
	export(ben.ID)
	h.Reset(ben.ID)
	require.Nil(t, export(ben.ID).RecoveryCodes)
	require.NoError(t, second(office.Exempt(h.Ctx, ops, agentID, "nightly")))
	require.Equal(t, "nightly", export(agentID).Machine)
	require.NoError(t, second(office.AssignPhone(h.Ctx, ops, user("tom").ID, mobile)))
	export(user("tom").ID)
	weak, err := totp.ReadSecret("KRSXG5CTMVRXEZLU", totp.Params{})
	require.NoError(t, err)
	require.NoError(t, h.Import(admin.Imported{ID: user("old").ID, Key: weak, WeakUntil: h.Clock.Now().Add(days(30))})[0].Err)
	export(user("old").ID)
	lenient := h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Grace: days(14)} })
	require.NoError(t, second(lenient.SignIn(h.Ctx, user("new"))))
	require.NoError(t, admin.New(lenient, nil).ExtendGrace(h.Ctx, ops, user("new").ID, h.Clock.Now().Add(days(30))))
	export(user("new").ID)

	all := map[string]bool{}
	fieldsOf(all, reflect.TypeFor[admin.Exported](), "")
	require.Equal(t, all, seen)
}

// fieldsOf returns the fields of an export and of its parts; events and days have tests
// of their own.
func fieldsOf(all map[string]bool, of reflect.Type, at string) {
	if of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[admin.Exported]().PkgPath() {
		all[at] = true
		return
	}
	for i := range of.NumField() {
		fieldsOf(all, of.Field(i).Type, at+"."+of.Field(i).Name)
	}
}

// fieldsWith adds the fields that are not zero.
func fieldsWith(seen map[string]bool, v reflect.Value, at string) {
	switch {
	case v.IsZero():
	case v.Kind() == reflect.Pointer:
		fieldsWith(seen, v.Elem(), at)
	case v.Kind() == reflect.Slice && v.Type().Elem().PkgPath() == reflect.TypeFor[admin.Exported]().PkgPath():
		for i := range v.Len() {
			fieldsWith(seen, v.Index(i), at)
		}
	case v.Kind() != reflect.Struct || v.Type().PkgPath() != reflect.TypeFor[admin.Exported]().PkgPath():
		seen[at] = true
	default:
		for i := range v.NumField() {
			fieldsWith(seen, v.Field(i), at+"."+v.Type().Field(i).Name)
		}
	}
}
