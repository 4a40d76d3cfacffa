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
)

// The page for data protection has a line for each field of the record, and names what
// the export has, all of it and nothing else.
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
		fields = append(fields, snake(reflect.TypeFor[account.Account]().Field(i).Name))
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

// The export has everything that the person did and has, and no secret of it.
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
	entry, err := account.Open(h.Ring(), rec)
	require.NoError(t, err)
	secrets := append([]string{string(token), mail.Got[0].Code, sent.Code(), entry.Enrollment.Authenticators()[0].Key.Secret(), entry.Mark.String(), entry.Browsers[0].Hash}, codes...)
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		require.NotContains(t, string(text), secret)
	}
}

// An administrator needs the rule's leave, and one of another tenant gets nothing.
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
}
