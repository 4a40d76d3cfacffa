package app

import (
	"context"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/examples/internal/words"
)

// A requestRow is what waits for a second administrator, in words.
type requestRow struct {
	totpflow.Request
	Who  string   // who asks for it
	What string   // what for
	For  []string // the accounts that it is about
	Mine bool     // asked for by the person who looks
}

// requests are those that wait in a tenant.
func (c *console) requests(r *http.Request, v *visitor, st totpflow.TenantStatus) (rows []requestRow, err error) {
	for _, q := range st.Pending {
		row := requestRow{Request: q, What: wanted(spoken(r.Context()), q), Mine: q.By == v.record()}
		if row.Who, err = c.users.called(r.Context(), q.By.User); err != nil {
			return nil, err
		}
		for _, id := range q.Targets {
			name, err := c.users.called(r.Context(), id)
			if err != nil {
				return nil, err
			}
			row.For = append(row.For, name)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// wanted says in words what a request asks for.
func wanted(l *words.Language, q totpflow.Request) string {
	switch q.Action {
	case totpflow.ActionSetPolicy:
		return l.Say("admin.wantPolicy", "Mode", l.Say("mode."+q.Policy.Mode.String()))
	case totpflow.ActionExemptAccount:
		return l.Say("admin.wantExempt", "Name", q.Name)
	case totpflow.ActionResetAccount:
		return l.Say("admin.wantReset", "Scope", l.Say("scope."+string(q.Scope)))
	default:
		return string(q.Action)
	}
}

func (c *console) postApprove(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return c.decide(w, r, v, "approve", totpflow.Admin.Approve)
}

func (c *console) postWithdraw(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return c.decide(w, r, v, "withdraw", totpflow.Admin.Withdraw)
}

// decide approves or withdraws what waits.
func (c *console) decide(w http.ResponseWriter, r *http.Request, v *visitor, word string,
	call func(totpflow.Admin, context.Context, totpflow.Leave, string, string) error,
) error {
	of, err := c.tenantOf(r, v)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	by, err := v.leave(r, totpflow.ActionApprove)
	if err == nil {
		err = call(c.admin(), r.Context(), by, of.Record, id)
	}
	return c.administered(w, r, v, word+"/"+id, word, err)
}
