package admin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// byTwo returns an organization in which actions require two administrators, and ana has
// a phone.
func byTwo(t *testing.T, changes ...func(*totpflow.Config)) *organization {
	t.Helper()
	o := newOrganization(t, changes...)
	o.Enroll(ana)
	o.SetPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
	o.Events.Kinds()
	return o
}

type waiting struct {
	action totpflow.Action
	ask    func(o *organization, by admin.Actor) error
	want   func(q *admin.Request) // of the request
	done   func(o *organization) bool
	told   event.Kind // in addition to the event of the approval
}

// purpose returns what the proof of the administrator who asks must be for.
func (w waiting) purpose(o *organization) totpflow.Purpose {
	if w.action == admin.ActionResetAccount {
		return manyOfAcme
	}
	return o.purpose(w.action)
}

// ofOne is a policy with every field set but the one that requires two administrators.
var ofOne = policy.Policy{
	Mode: policy.Required, Grace: days(14), Deadline: start.Add(days(30)), BrowserAge: days(7),
	Methods: policy.App | policy.Phone, IssuedCode: true, AssignedPhones: true,
}

// Calls that require a second administrator: how an administrator asks for each, and what
// shows that it was done.
var waits = map[string]waiting{
	"a lower policy": {admin.ActionSetPolicy, func(o *organization, by admin.Actor) error {
		return o.admin.SetPolicy(o.Ctx, by, "acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	}, func(q *admin.Request) {
		q.Before = policy.Policy{Mode: policy.Required, TwoAdministrators: true}
		q.Policy = policy.Policy{Mode: policy.Optional, TwoAdministrators: true}
	}, func(o *organization) bool { return o.Status(ana).Policy.Mode == policy.Optional }, event.PolicyLowered},
	"to want one administrator": {admin.ActionSetPolicy, func(o *organization, by admin.Actor) error {
		return o.admin.SetPolicy(o.Ctx, by, "acme", ofOne)
	}, func(q *admin.Request) {
		q.Before = policy.Policy{Mode: policy.Required, TwoAdministrators: true}
		q.Policy = ofOne
	},
		func(o *organization) bool { return !o.Status(ana).Policy.TwoAdministrators }, event.PolicyLowered},
	"an exemption": {admin.ActionExemptAccount, func(o *organization, by admin.Actor) error {
		return servicetest.ErrorOf(o.admin.Exempt(o.Ctx, by, anaID, "agent"))
	}, func(q *admin.Request) { q.Targets, q.Name = []string{ana.ID.User}, "agent" },
		func(o *organization) bool { return o.Member(anaID).State == admin.StateExempt }, event.Exempted},
	"a bulk reset": {admin.ActionResetAccount, func(o *organization, by admin.Actor) error {
		return servicetest.ErrorOf(o.admin.ResetMany(o.Ctx, by, "acme", []string{ana.ID.User}, admin.ScopeAll))
	}, func(q *admin.Request) { q.Targets, q.Scope = []string{ana.ID.User}, admin.ScopeAll },
		func(o *organization) bool { return o.Member(anaID).State == admin.StateRequired }, event.Reset},
	"an erasure": {admin.ActionForgetAccount, func(o *organization, by admin.Actor) error {
		return o.admin.Forget(o.Ctx, by, anaID)
	}, func(q *admin.Request) { q.Targets = []string{ana.ID.User} },
		func(o *organization) bool { return o.Member(anaID).Updated.IsZero() }, event.Forgotten},
}

// One administrator asks, and nothing changes; another one approves, and it is done. The
// events name both.
func TestTwoAdministrators(t *testing.T) {
	for name, c := range waits {
		t.Run(name, func(t *testing.T) {
			o := byTwo(t)
			by := o.ByFor(o.boss, c.purpose(o))
			o.Events.Kinds()
			before := o.Versions()[anaID]
			err := c.ask(o, by)
			var waiting *admin.ApprovalError
			require.ErrorAs(t, err, &waiting)
			require.ErrorIs(t, err, admin.ErrApproval)
			require.Contains(t, err.Error(), waiting.Request)
			require.False(t, c.done(o))
			require.Equal(t, before, o.Versions()[anaID])
			asked := o.EventsOf(event.ApprovalRequested)
			require.Len(t, asked, 1)
			require.Equal(t, "boss", asked[0].Actor)
			require.Equal(t, string(c.action), asked[0].Action)
			require.Equal(t, o.Clock.Now().Add(24*time.Hour), asked[0].Until)

			want := admin.Request{
				Approvable: true,
				ID:         waiting.Request, Action: c.action, By: o.boss.ID, Asked: o.Clock.Now(), Expires: o.Clock.Now().Add(24 * time.Hour),
			}
			c.want(&want)
			st, err := o.admin.Tenant(o.Ctx, admin.Administrator{User: o.deputy.User}, "acme")
			require.NoError(t, err)
			require.Equal(t, []admin.Request{want}, st.Pending)

			approve := o.By(o.deputy, admin.ActionApprove)
			o.Events.Kinds()
			outcomes, err := o.admin.Approve(o.Ctx, approve, "acme", waiting.Request)
			require.NoError(t, err)
			require.True(t, c.done(o))
			for _, out := range outcomes {
				if c.action != admin.ActionForgetAccount {
					m := o.Member(out.ID)
					require.Equal(t, admin.Outcome{ID: out.ID, Change: totpflow.Change{ID: out.ID, Generation: m.Generation, Mark: m.Mark}}, out)
				}
			}
			require.Len(t, outcomes, len(st.Pending[0].Targets))
			all := map[event.Kind]event.Event{}
			for _, e := range o.Events.Got {
				all[e.Kind] = e
			}
			for _, k := range []event.Kind{event.ApprovalGranted, c.told} {
				require.Equal(t, "deputy, asked by boss", all[k].Actor, k)
			}
			require.Equal(t, string(c.action), all[event.ApprovalGranted].Action, "what was approved")
			require.Equal(t, want.Expires, all[event.ApprovalGranted].Until, "which request it was")
			require.Equal(t, name == "a bulk reset", all[event.BulkReset].Kind == event.BulkReset)

			approve = o.ByFor(o.deputy, admin.ActionApprove.On(waiting.Request))
			require.ErrorIs(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, approve, "acme", waiting.Request)), admin.ErrNoRequest, "once")
			require.Equal(t, "none", o.pending("acme"))
		})
	}
}

// Calls that need no second administrator: those that ask for more, those that help one
// person, and those of an operator. No call needs one if the policy does not require it.
func TestOneAdministratorIsEnough(t *testing.T) {
	o := byTwo(t)
	stricter := policy.Policy{Mode: policy.Required, TwoAdministrators: true, IssuedCode: true}
	require.NoError(t, o.admin.SetPolicy(o.Ctx, o.By(o.boss, admin.ActionSetPolicy), "acme", stricter))
	require.NoError(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, o.By(o.boss, admin.ActionResetAccount), anaID, admin.ScopeAll)))
	for name, c := range waits {
		o := byTwo(t)
		require.NoError(t, c.ask(o, ops), name)
		require.True(t, c.done(o), name)

		o.SetPolicy("acme", policy.Policy{Mode: policy.Required})
		_ = o.Admin(nil).Forget(o.Ctx, ops, anaID) // fails once the record is deleted
		o.Enroll(ana)
		require.NoError(t, c.ask(o, o.ByFor(o.boss, c.purpose(o))), name)
	}
}

// The policy of a tenant above counts here too: a customer's administrator alone lowers
// nothing for which the provider requires two.
func TestTwoAdministratorsFromAbove(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	o.SetPolicy("provider", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	o.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	for name, c := range waits {
		if name == "to want one administrator" {
			continue // the customer's own policy does not require two
		}
		err := c.ask(o, o.ByFor(o.boss, c.purpose(o)))
		require.ErrorIs(t, err, admin.ErrApproval, name)
		require.False(t, c.done(o))
		require.NoError(t, o.admin.Withdraw(o.Ctx, ops, "acme", o.pending("acme")))
		withdrawn := o.EventsOf(event.ApprovalWithdrawn)
		require.Equal(t, string(c.action), withdrawn[len(withdrawn)-1].Action, "what was withdrawn")
		require.Equal(t, o.Clock.Now().Add(24*time.Hour), withdrawn[len(withdrawn)-1].Until, "which request it was")
	}
	err := servicetest.ErrorOf(o.admin.Exempt(o.Ctx, o.By(o.provider, admin.ActionExemptAccount), anaID, "agent"))
	require.ErrorIs(t, err, admin.ErrApproval)
	o.Events.Kinds()
	require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.By(o.boss, admin.ActionApprove), "acme", o.pending("acme"))))
	require.Equal(t, "boss, asked by provider/p1", o.EventsOf(event.Exempted)[0].Actor, "who it was, and of where")
}

// A host whose own source of policies does not require two administrators: what
// administrators have set for the tenant still does, so that one of them alone cannot
// take that back.
func TestTwoAdministratorsOfTheTenantsOwnPolicy(t *testing.T) {
	o := byTwo(t, func(c *totpflow.Config) { c.Policy = oneForAll{} })
	err := o.admin.SetPolicy(o.Ctx, o.By(o.boss, admin.ActionSetPolicy), "acme", ofOne)
	require.ErrorIs(t, err, admin.ErrApproval)
	st, err := o.admin.Tenant(o.Ctx, admin.Administrator{User: o.deputy.User}, "acme")
	require.NoError(t, err)
	require.True(t, st.Own.TwoAdministrators)
	require.False(t, st.Effective.TwoAdministrators)
}

// oneForAll is the policy source of a host that ignores what is set for tenants.
type oneForAll struct{}

func (oneForAll) Policy(context.Context, store.AccountID) (policy.Policy, error) {
	return policy.Policy{Mode: policy.Optional}, nil
}

// Administrators who may not approve, and requests that may no longer be approved. In all
// cases nothing has changed, and a request that is still valid stays pending.
func TestSecondAdministrator(t *testing.T) {
	mayAll := func(o *organization) admin.Admin { return o.admin }
	except := func(who, target string, action totpflow.Action) func(o *organization) admin.Admin {
		return func(o *organization) admin.Admin {
			return o.Admin(func(_ context.Context, u totpflow.User, a totpflow.Action, id store.AccountID) error {
				if u.ID.User == who && a == action && (target == "" || id.User == target) {
					return errSays
				}
				return nil
			})
		}
	}
	for name, c := range map[string]struct {
		is    error
		then  func(o *organization)
		admin func(o *organization) admin.Admin
		by    func(o *organization) person
		waits bool
	}{
		"who asked":                         {admin.ErrSelf, nil, mayAll, func(o *organization) person { return o.boss }, true},
		"who must not approve":              {errSays, nil, except("deputy", "", admin.ActionApprove), func(o *organization) person { return o.deputy }, true},
		"who must not do it":                {errSays, nil, except("deputy", "", admin.ActionExemptAccount), func(o *organization) person { return o.deputy }, true},
		"who must not do it to her":         {errSays, nil, except("deputy", ana.ID.User, admin.ActionExemptAccount), func(o *organization) person { return o.deputy }, true},
		"by another account of who asked":   {errSays, nil, except("p1", "boss", admin.ActionApprove), func(o *organization) person { return o.provider }, true},
		"when the asker has lost the right": {errSays, nil, except("boss", "", admin.ActionExemptAccount), func(o *organization) person { return o.deputy }, true},
		"when the asker says it was not me": {admin.ErrNotAllowed, func(o *organization) { o.Freeze(o.boss.User) }, mayAll, func(o *organization) person { return o.deputy }, true},
		"when the asker's account cannot be read": {store.ErrUnavailable, nil, func(o *organization) admin.Admin {
			return admin.New(o.Open(ofTenants, func(c *totpflow.Config) { c.Store = servicetest.Unreadable{Store: o.Store, ID: o.boss.ID} }), letAll)
		}, func(o *organization) person { return o.deputy }, true},
		"of another tenant": {admin.ErrNotAllowed, nil, mayAll, func(o *organization) person { return o.elsewhere }, true},
		"of a tenant below": {admin.ErrNotAllowed, nil, mayAll, func(o *organization) person { return o.unit }, true},
		"after 24 hours":    {admin.ErrNoRequest, func(o *organization) { o.Clock.Advance(24 * time.Hour) }, mayAll, func(o *organization) person { return o.deputy }, false},
		"when it was withdrawn": {admin.ErrNoRequest, func(o *organization) {
			require.NoError(o.T, o.admin.Withdraw(o.Ctx, o.By(o.boss, admin.ActionApprove), "acme", o.pending("acme")))
		}, mayAll, func(o *organization) person { return o.deputy }, false},
		"a namesake in a tenant above may": {nil, nil, mayAll, func(o *organization) person { return o.hire("provider", "boss") }, false},
		"somebody else may":                {nil, nil, mayAll, func(o *organization) person { return o.deputy }, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := byTwo(t)
			err := servicetest.ErrorOf(o.admin.Exempt(o.Ctx, o.By(o.boss, admin.ActionExemptAccount), anaID, "agent"))
			require.ErrorIs(t, err, admin.ErrApproval)
			request := o.pending("acme")
			if c.then != nil {
				c.then(o)
			}
			adm, by := c.admin(o), o.ByFor(c.by(o), admin.ActionApprove.On(request))
			before := o.Versions()[anaID]
			err = servicetest.ErrorOf(adm.Approve(o.Ctx, by, "acme", request))
			require.ErrorIs(t, err, c.is)
			require.Equal(t, err == nil, before != o.Versions()[anaID])
			require.Equal(t, c.waits, o.pending("acme") == request)
		})
	}
}

// Nobody approves an action on their own account.
func TestTargetDoesNotApprove(t *testing.T) {
	o := byTwo(t)
	_, err := o.admin.ResetMany(o.Ctx, o.ByFor(o.boss, manyOfAcme), "acme", []string{ana.ID.User, o.deputy.ID.User}, admin.ScopeAll)
	require.ErrorIs(t, err, admin.ErrApproval)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.By(o.deputy, admin.ActionApprove), "acme", o.pending("acme"))), admin.ErrSelf)
	require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.By(o.provider, admin.ActionApprove), "acme", o.pending("acme"))))
	require.Equal(t, admin.StateRequired, o.Member(o.deputy.ID).State)
}

// Two administrators approve at the same time, over two services: the action is done
// once.
func TestApprovedOnceInARace(t *testing.T) {
	o := byTwo(t)
	third := o.hire("acme", "third")
	_, err := o.admin.ResetMany(o.Ctx, o.ByFor(o.boss, manyOfAcme), "acme", []string{ana.ID.User}, admin.ScopeAll)
	require.ErrorIs(t, err, admin.ErrApproval)
	request := o.pending("acme")
	by := []admin.Actor{o.By(o.deputy, admin.ActionApprove), o.By(third, admin.ActionApprove), o.By(o.provider, admin.ActionApprove)}
	services := []admin.Admin{o.admin, admin.New(o.Open(ofTenants), letAll), admin.New(o.Open(ofTenants), letAll)}
	o.Events.Kinds()
	var won atomic.Int32
	together(len(by), func(i int) {
		switch err := servicetest.ErrorOf(services[i].Approve(o.Ctx, by[i], "acme", request)); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, admin.ErrNoRequest):
			t.Error(err)
		}
	})
	require.EqualValues(t, 1, won.Load())
	require.Len(t, o.EventsOf(event.Reset), 1)
}

// The administrator who approves sees which part could not be done; the rest is done.
func TestApprovedInPart(t *testing.T) {
	o := byTwo(t)
	_, err := o.admin.ResetMany(o.Ctx, o.ByFor(o.boss, manyOfAcme), "acme", []string{"nobody", ana.ID.User}, admin.ScopeAll)
	require.ErrorIs(t, err, admin.ErrApproval)
	err = servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.By(o.deputy, admin.ActionApprove), "acme", o.pending("acme")))
	require.ErrorIs(t, err, admin.ErrNoAccount)
	require.ErrorContains(t, err, "nobody")
	require.Equal(t, admin.StateRequired, o.Member(anaID).State)
}

// A request can name a thousand accounts with ids as long as UUIDs, 36 characters.
// However long and odd the ids are, pending requests fit into the record, and the call is
// refused before they would not.
func TestWhatWaitsFitsTheRecord(t *testing.T) {
	o := byTwo(t, func(c *totpflow.Config) { c.Observer = quiet })
	ids := func(n int, pad string, length int) (users []string) {
		for i := range n {
			id := fmt.Sprintf("%04d", i)
			users = append(users, id+strings.Repeat(pad, (length-len(id))/len(pad)))
		}
		return users
	}
	ask := func(users []string) error {
		return servicetest.ErrorOf(o.admin.ResetMany(o.Ctx, o.ByFor(o.boss, manyOfAcme), "acme", users, admin.ScopeAll))
	}
	require.ErrorIs(t, ask(ids(1000, "x", 36)), admin.ErrApproval)
	require.ErrorIs(t, ask(ids(1000, "x", 36)), admin.ErrTooManyRequests)
	require.NoError(t, o.admin.Withdraw(o.Ctx, ops, "acme", o.pending("acme")))

	for _, pad := range []string{"<", "\u2028", "\"", "é", "😀"} {
		asked := 0
		for {
			err := ask(ids(10, pad, store.MaxID))
			if errors.Is(err, admin.ErrTooManyRequests) {
				break
			}
			require.ErrorIs(t, err, admin.ErrApproval)
			asked++
		}
		require.Positive(t, asked)
		rec, err := o.Memory.Get(o.Ctx, store.AccountID{Tenant: "acme", User: "totpflow:tenant"})
		require.NoError(t, err)
		require.NoError(t, rec.Validate())
		st, err := o.admin.Tenant(o.Ctx, ops, "acme")
		require.NoError(t, err)
		require.Equal(t, ids(10, pad, store.MaxID), st.Pending[0].Targets, "as they were asked for")
		o.Clock.Advance(24 * time.Hour) // the expired requests make room
	}
	for range 20 {
		require.ErrorIs(t, ask([]string{ana.ID.User}), admin.ErrApproval)
	}
	require.ErrorIs(t, ask([]string{ana.ID.User}), admin.ErrTooManyRequests)
	// A string that is not a valid id does not become another id on the way.
	require.ErrorIs(t, ask([]string{"\xff"}), store.ErrID)
	require.ErrorIs(t, ask([]string{"totpflow:tenant"}), store.ErrID)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Exempt(o.Ctx, o.ByFor(o.boss, admin.Purpose(admin.ActionExemptAccount, store.AccountID{Tenant: "acme"})), store.AccountID{Tenant: "acme"}, "agent")), store.ErrID)
}

// Requests of one tenant have no effect in another.
func TestRequestsAreOfOneTenant(t *testing.T) {
	o := byTwo(t)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Exempt(o.Ctx, o.By(o.boss, admin.ActionExemptAccount), anaID, "agent")), admin.ErrApproval)
	request := o.pending("acme")
	for _, tenant := range []string{"acme/unit", "provider", ""} {
		require.ErrorIs(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, ops, tenant, request)), admin.ErrNoRequest)
		require.ErrorIs(t, o.admin.Withdraw(o.Ctx, ops, tenant, request), admin.ErrNoRequest)
	}
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, ops, "acme", "")), admin.ErrNoRequest)
	o.Events.Kinds()
	require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, ops, "acme", request)), "an operator is a second")
	require.Equal(t, "operator root, asked by boss", o.EventsOf(event.Exempted)[0].Actor)
}
