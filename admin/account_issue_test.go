package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A code is issued to a person who has a factor that they may be locked out of, and whose
// password is older than a day. Otherwise nothing is sent, and nothing changes.
func TestIssuedForWhom(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *harness)
		is   error
	}{
		"never seen": {func(*harness) {}, admin.ErrNoAccount},
		"disabled":   {func(h *harness) { h.Step(ana) }, totpflow.ErrNotEnrolled},
		"exempt": {func(h *harness) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")))
		}, totpflow.ErrNotEnrolled},
		"frozen": {func(h *harness) { h.Enroll(ana); h.Freeze(ana) }, totpflow.ErrFrozen},
		"a new password": {func(h *harness) {
			h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.Clock.Advance(24*time.Hour - time.Second)
		}, totpflow.ErrPasswordRecent},
		"a password of yesterday": {func(h *harness) {
			h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.Clock.Advance(24 * time.Hour)
		}, nil},
		"enrolled": {func(h *harness) { h.Enroll(ana) }, nil},
		"reset": {func(h *harness) {
			h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			c.make(h)
			var m mailbox
			if c.is != nil {
				h.Unchanged(func() {
					require.ErrorIs(t, h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, m.Deliver), c.is)
				})
				require.Empty(t, m.Got)
				return
			}
			require.NoError(t, h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, m.Deliver))
			require.Equal(t, h.Clock.Now().Add(24*time.Hour), m.Got[0].Expires)
			_, err := recovery.Normalize(m.Code())
			require.NoError(t, err)
		})
	}
}

// Where the mail fails, the host finds its own error again.
func TestIssuedCodeThatIsNotDelivered(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	full := errors.New("mailbox full")
	err := h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, func(context.Context, admin.IssuedCode) error { return full })
	require.ErrorIs(t, err, full)
}

// The code goes to the person only: the call of the administrator who has it sent returns
// an error or nothing, and no observer or notifier hears the code.
func TestIssuedCodeIsForThePersonOnly(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	var m mailbox
	o.Events.Kinds()
	require.NoError(t, o.admin.IssueRecoveryCode(o.Ctx, o.By(o.boss, admin.ActionIssueCode), anaID, m.Deliver))
	issued := o.Events.Got[len(o.Events.Got)-1]
	require.Equal(t, event.RecoveryIssued, issued.Kind)
	require.Equal(t, m.Got[0].Expires, issued.Until, "the mail beside it says until when")
	for _, e := range o.Events.Got {
		servicetest.RequireNone(t, servicetest.Printed(e), []string{m.Code()})
	}
	servicetest.RequireNone(t, servicetest.Printed(o.Member(anaID))+servicetest.Printed(o.Status(ana)), []string{m.Code()})
	o.RequireNoneStored([]string{m.Code()})
}

// A member has the time at which the issued code ends, and no time after the code has ended.
func TestIssuedUntil(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	ended := map[string]func(){
		"used": func() {
			require.NoError(t, servicetest.ErrorOf(h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))))
		},
		"too old": func() { h.IssueCode(anaID); h.Clock.Advance(24 * time.Hour) },
		"voided": func() {
			h.IssueCode(anaID)
			require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeRecoveryCodes)))
		},
	}
	for how, end := range ended {
		h.IssueCode(anaID)
		require.Equal(t, h.Clock.Now().Add(24*time.Hour), h.Member(anaID).IssuedUntil)
		end()
		require.Zero(t, h.Member(anaID).IssuedUntil, how)
		h.Clock.Advance(time.Hour)
	}
}

// If the code cannot be delivered, the call fails and the code is void: another one can
// be issued. A service without a deliverer refuses before anything is done.
func TestIssuedCodeNotDelivered(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	h.Unchanged(func() {
		require.Error(t, h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, nil))
	})
	errMail := errors.New("mailbox full")
	err := h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, func(context.Context, admin.IssuedCode) error { return errMail })
	require.ErrorIs(t, err, errMail)

	h.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	var m mailbox
	require.ErrorIs(t, h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, m.Deliver), store.ErrUnavailable)
	require.Empty(t, m.Got, "what is not kept is not sent")
	h.Store.SetFaults(totptest.Faults{})
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
}

// A host that prints or logs what it is to deliver, or a value that has it as a field, does
// not write the code down. Nor does it keep the code in a queue by accident.
func TestIssuedCodeIsNotPrintedByAccident(t *testing.T) {
	c := admin.IssuedCode{ID: anaID, Code: "ABCD-EFGH-JKMN-PQRS"}
	type job struct{ Mail admin.IssuedCode }
	var log bytes.Buffer
	for _, v := range []any{c, &c, job{c}, &job{c}, []any{c}, map[string]any{"code": c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&log, verb, v)
		}
		slog.New(slog.NewJSONHandler(&log, nil)).Info("issued", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).With("v", v).Info("issued", slog.Group("g", "v", v))
		for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
			text, err := encode(v)
			require.Error(t, err)
			require.Empty(t, text)
		}
	}
	require.NotContains(t, log.String(), c.Code[:9])
	require.NotContains(t, strings.ToLower(log.String()), fmt.Sprintf("%x", c.Code[:9]))
	require.Contains(t, log.String(), "admin.IssuedCode(redacted)")
}
