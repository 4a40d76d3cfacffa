package totpflow

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// A MemberState is where an account stands, in one word for a list.
type MemberState string

const (
	StateEnabled    MemberState = "enabled"    // an authenticator or a phone works
	StateRequired   MemberState = "required"   // has to set up before the next sign-in
	StateGrace      MemberState = "grace"      // has to set up until GraceUntil
	StateDisabled   MemberState = "disabled"   // has nothing set up and need not
	StateExempt     MemberState = "exempt"     // a machine account
	StateFrozen     MemberState = "frozen"     // "it was not me"
	StateUnreadable MemberState = "unreadable" // the record does not open: for the operator
)

// A Member is what an administrator sees of an account. It holds no secret.
type Member struct {
	ID                store.AccountID
	State             MemberState
	Enrollment        enroll.State
	Required          bool      // by policy
	GraceUntil        time.Time // where an enrollment is required; may be over; zero for no grace
	GraceBegins       bool      // at the next sign-in: until then GraceUntil is counted from now
	Authenticators    int
	WeakUntil         time.Time // when the last of the authenticators ends, where all are weak keys of an import
	Phones            int
	Recoverable       []enroll.Recoverable // replaced or removed in the last 72 hours, for Admin.Restore
	Browsers          []Browser
	RecoveryCodesLeft int
	LastUsed          time.Time       // of any authenticator, exact to the day
	ResetAt           time.Time       // of a reset that waits for the enrollment
	NeedsCode         bool            // for that enrollment: an issued code, or a recovery code that is left (see Admin.Reset)
	FrozenAt          time.Time       // since "it was not me"
	Throttled         *throttle.Error // too many wrong codes
	Machine           string          // the name of a machine account
	Updated           time.Time       // of the record; zero when there is none
}

// A MemberPage is a part of a list.
type MemberPage struct {
	Members []Member
	Next    string // the cursor of the page that follows; empty at the end
}

// Status returns how the given accounts stand, in their order: the list to ask
// for is the host's own users, since who never came to the second step is in no
// store. It takes no proof.
func (a Admin) Status(ctx context.Context, by Leave, ids ...store.AccountID) ([]Member, error) {
	members := make([]Member, 0, len(ids))
	policies := a.service.policiesOf()
	for _, id := range ids {
		if err := a.see(ctx, by, id); err != nil {
			return nil, err
		}
		if err := account.Validate(id); err != nil {
			return nil, err
		}
		e, _, err := account.Read(ctx, a.service.store, a.service.keys, id)
		if err != nil {
			return nil, err
		}
		p, err := policies(ctx, id)
		if err != nil {
			return nil, err
		}
		members = append(members, a.service.member(e, p))
	}
	return members, nil
}

// List returns the accounts that have a record, a page at a time. The query's
// State selects by the record's word: an [enroll.State], "exempt" or "frozen".
// All tenants at once are for an [Operator]. It takes no proof.
func (a Admin) List(ctx context.Context, by Leave, q store.Query) (MemberPage, error) {
	if _, operator := by.(Operator); q.AllTenants && !operator {
		return MemberPage{}, ErrNotAllowed
	}
	if err := a.see(ctx, by, store.AccountID{Tenant: q.Tenant}); err != nil {
		return MemberPage{}, err
	}
	p, err := a.service.book.List(ctx, q)
	if err != nil {
		return MemberPage{}, err
	}
	page := MemberPage{Next: p.Next}
	policies := a.service.policiesOf()
	for _, e := range p.Entries {
		if account.Reserved(e.ID) {
			continue
		}
		p, err := policies(ctx, e.ID)
		if err != nil {
			return MemberPage{}, err
		}
		page.Members = append(page.Members, a.service.member(e, p))
	}
	return page, nil
}

// policiesOf is policyOf for the accounts of one list: tenants that keep their
// policy in the store are asked for it once. Nobody is let in by it.
func (s *Service) policiesOf() func(context.Context, store.AccountID) (policy.Policy, error) {
	if _, ours := s.policy.(tenantPolicies); !ours {
		return s.policyOf
	}
	known := make(map[string]policy.Policy)
	return func(ctx context.Context, id store.AccountID) (p policy.Policy, err error) {
		p, ok := known[id.Tenant]
		if !ok {
			if p, err = s.policyOf(ctx, id); err == nil {
				known[id.Tenant] = p
			}
		}
		return p, err
	}
}

func (s *Service) member(e account.Entry, p policy.Policy) Member {
	m := Member{ID: e.ID, Required: p.Mode == policy.Required, Updated: e.Updated}
	if e.Err != nil {
		m.State = StateUnreadable
		return m
	}
	r := &account.Round{Account: e.Account, Now: s.now().UTC().Round(0)}
	r.Enrollment = r.Enrollment.Expire(r.Now)
	st := s.status(r, p)
	m.Enrollment, m.Browsers, m.Throttled, m.FrozenAt = st.State, st.Browsers, st.Throttled, st.Frozen
	m.Authenticators, m.RecoveryCodesLeft = len(st.Authenticators), st.RecoveryCodes.Left
	m.Phones, m.WeakUntil = len(st.Phones), r.Enrollment.WeakUntil()
	m.GraceUntil, m.GraceBegins, m.Machine = st.GraceUntil, st.GraceBegins, r.Machine
	m.NeedsCode = st.State == enroll.ResetPending && !s.passwordSuffices(r, p)
	m.Recoverable, m.ResetAt = r.Enrollment.Recoverable(r.Now), r.Enrollment.ResetAt()
	for _, x := range st.Authenticators {
		if x.Used.After(m.LastUsed) {
			m.LastUsed = x.Used
		}
	}
	m.State = m.state(r.Now)
	return m
}

func (m Member) state(now time.Time) MemberState {
	switch {
	case !m.FrozenAt.IsZero():
		return StateFrozen
	case m.Enrollment == enroll.Exempted:
		return StateExempt
	case m.Authenticators > 0 || m.Phones > 0:
		return StateEnabled
	case m.Enrollment == enroll.ResetPending:
		return StateRequired
	case !m.Required:
		return StateDisabled
	case m.GraceUntil.After(now):
		return StateGrace
	default:
		return StateRequired
	}
}

// Counts are the numbers of a list: "37 of 50 have set it up" is Enabled of
// Total less Exempt. Weak are those of Enabled that have nothing but weak keys of
// an import.
type Counts struct {
	Total, Enabled, Required, Grace, Disabled, Exempt, Frozen, Unreadable int
	Weak                                                                  int
}

// Count counts members by their state.
func Count(members []Member) Counts {
	c := Counts{Total: len(members)}
	for _, m := range members {
		switch m.State {
		case StateEnabled:
			c.Enabled++
			if !m.WeakUntil.IsZero() && m.Phones == 0 {
				c.Weak++
			}
		case StateRequired:
			c.Required++
		case StateGrace:
			c.Grace++
		case StateDisabled:
			c.Disabled++
		case StateExempt:
			c.Exempt++
		case StateFrozen:
			c.Frozen++
		default:
			c.Unreadable++
		}
	}
	return c
}
