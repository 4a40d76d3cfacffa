package servicetest

import (
	"context"
	"fmt"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Admin returns the administrators' calls under a rule.
func (h *Harness) Admin(rule admin.Rule) admin.Admin { return admin.New(h.Service, rule) }

// SetPolicy gives a tenant its policy.
func (h *Harness) SetPolicy(tenant string, p policy.Policy) {
	h.T.Helper()
	h.Must(h.Admin(nil).SetPolicy(h.Ctx, Root, tenant, p))
}

// Member returns an account's entry in the administrators' list.
func (h *Harness) Member(id store.AccountID) admin.Member {
	h.T.Helper()
	m, err := h.Admin(nil).Member(h.Ctx, Root, id)
	h.Must(err)
	return m
}

// Reset resets everything of an account.
func (h *Harness) Reset(id store.AccountID) {
	h.T.Helper()
	h.Must(ErrorOf(h.Admin(nil).Reset(h.Ctx, Root, id, admin.ScopeAll)))
}

// Import imports the rows and returns their outcomes, which equal those of the preview.
func (h *Harness) Import(rows ...admin.Imported) []admin.Outcome {
	h.T.Helper()
	shown, err := h.Admin(nil).PreviewImport(h.Ctx, Root, rows)
	h.Must(err)
	outcomes, err := h.Admin(nil).Import(h.Ctx, Root, rows)
	h.Must(err)
	h.Check(len(outcomes) == len(rows), "%d outcomes for %d rows", len(outcomes), len(rows))
	for i := range rows {
		h.Check(rows[i].ID == outcomes[i].ID, "outcome %d is of %v", i, outcomes[i].ID)
		shown[i].Change = outcomes[i].Change
		h.Check(fmt.Sprint(shown[i]) == fmt.Sprint(outcomes[i]), "the preview has shown %v, and the import says %v", shown[i], outcomes[i])
	}
	return outcomes
}

// A Mailbox receives what IssueRecoveryCode delivers.
type Mailbox struct{ Got []admin.IssuedCode }

// Deliver is the host's part of IssueRecoveryCode.
func (m *Mailbox) Deliver(_ context.Context, c admin.IssuedCode) error {
	m.Got = append(m.Got, c)
	return nil
}

// Code returns the last code that was delivered.
func (m *Mailbox) Code() string { return m.Got[len(m.Got)-1].Code }

// IssueCode has a code sent to the person and returns it.
func (h *Harness) IssueCode(id store.AccountID) string {
	h.T.Helper()
	var m Mailbox
	h.Must(h.Admin(nil).IssueRecoveryCode(h.Ctx, Root, id, m.Deliver))
	h.Check(len(m.Got) == 1 && m.Got[0].ID == id, "delivered: %v", m.Got)
	return m.Code()
}
