package admin

import (
	"context"
	"iter"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// A MemberState is the state of an account in one word, for a list.
type MemberState string

const (
	StateEnabled    MemberState = "enabled"    // an authenticator or a phone works
	StateRequired   MemberState = "required"   // must enroll before the next sign-in
	StateGrace      MemberState = "grace"      // must enroll before GraceUntil
	StateDisabled   MemberState = "disabled"   // has nothing set up and need not enroll
	StateExempt     MemberState = "exempt"     // a machine account
	StateFrozen     MemberState = "frozen"     // "it was not me"
	StateUnreadable MemberState = "unreadable" // the record does not open: for the operator
)

// A Member is what an administrator sees of an account. It holds no secret.
type Member struct {
	ID                store.AccountID
	State             MemberState
	Enrollment        enroll.State
	Enrolling         bool      // whether an authenticator or a phone is being set up, perhaps by a thief who knows the password
	Required          bool      // whether policy requires a factor
	GraceUntil        time.Time // when an enrollment becomes required; may be past; zero for no grace period
	GraceBegins       bool      // whether the grace period begins at the next sign-in: until then GraceUntil is counted from now
	Authenticators    int
	Apps              []totpflow.Authenticator // the authenticators, by name
	WeakUntil         time.Time                // when the last of the authenticators ends, if all are weak keys of an import
	Phones            int
	Numbers           []phone.Phone        // the numbers of the phones; they print masked
	Assigned          phone.Number         // the number that an administrator chose and the person has not verified (Admin.AssignPhone)
	Recoverable       []enroll.Recoverable // authenticators that were replaced or removed in the last 72 hours, for Admin.RestoreAuthenticator
	Browsers          []totpflow.Browser
	RecoveryCodesLeft int
	LastUsed          time.Time            // the last use of any authenticator
	ResetAt           time.Time            // the time of a reset, until the enrollment
	NeedsCode         bool                 // whether that enrollment requires an issued code, or a recovery code that is left (see Admin.Reset)
	IssuedUntil       time.Time            // when the issued code ends; zero if none is valid
	FrozenAt          time.Time            // the time of "it was not me", until the freeze ends
	ResetClearsCodes  bool                 // whether a reset of the authenticators also clears the recovery codes, as after a freeze (see Admin.Reset)
	Throttled         *throttle.Error      // set after too many wrong codes
	Machine           string               // the name of a machine account
	Generation        uint64               // see totpflow.User.Generation
	Mark              totpflow.SessionMark // the mark of the sessions that are valid now
	Updated           time.Time            // the last write of the record; zero when there is none

	// Activity is what happened to the account, newest first, with actor and reason. It
	// is set by [Admin.Member] only, and not in lists.
	Activity []event.Event
}

// A MemberPage is a part of a list.
type MemberPage struct {
	Members []Member
	Next    string // the cursor of the page that follows; empty at the end
}

// Status yields the state of the given accounts, in their order. Pass the host's own list
// of users, since the store does not know a person who never reached the second step. It
// requires no proof. It ends at the first error.
func (a Admin) Status(ctx context.Context, by Actor, ids ...store.AccountID) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		policies := a.engine.ListPolicies()
		for _, id := range ids {
			m, err := a.member(ctx, by, id, policies, func(engine.Entry) {})
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// Member returns the state of one account. It requires no proof.
func (a Admin) Member(ctx context.Context, by Actor, id store.AccountID) (Member, error) {
	var history []event.Event
	m, err := a.member(ctx, by, id, a.engine.PolicyOf, func(e engine.Entry) { history = e.Account.Activity.Changes() })
	m.Activity = history
	return engine.Acknowledged(m, err)
}

// A policyOf is a function that returns the policy of an account.
type policyOf func(context.Context, store.AccountID) (policy.Policy, error)

func (a Admin) member(ctx context.Context, by Actor, id store.AccountID, policies policyOf, look func(engine.Entry)) (_ Member, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.member")
	defer flow.End(&err)
	if err := a.authoriseView(ctx, by, id); err != nil {
		return Member{}, err
	}
	if err := account.Validate(id); err != nil {
		return Member{}, err
	}
	e, _, err := a.engine.Read(ctx, id)
	if err != nil {
		return Member{}, err
	}
	p, err := policies(ctx, id)
	if err != nil {
		return Member{}, err
	}
	look(e)
	return a.view(e, p), nil
}

// List yields the accounts that have a record. The query's State selects by the
// record's word: an [enroll.State], "exempt" or "frozen"; its Cursor is where the
// list begins, and its Limit how many records are read at once. Only an [Operator] may
// list all tenants at once. It requires no proof. It ends at the first error.
func (a Admin) List(ctx context.Context, by Actor, q store.Query) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for {
			page, err := a.ListPage(ctx, by, q)
			if err != nil {
				yield(Member{}, err)
				return
			}
			for _, m := range page.Members {
				if !yield(m, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// ListPage returns a page of [Admin.List], for lists that people page through.
func (a Admin) ListPage(ctx context.Context, by Actor, q store.Query) (_ MemberPage, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.list_page")
	defer flow.End(&err)
	if err := a.authoriseList(ctx, by, q); err != nil {
		return MemberPage{}, err
	}
	sealed, err := a.engine.Sealed(ctx, q)
	if err != nil {
		return MemberPage{}, err
	}
	page := MemberPage{Next: sealed.Next, Members: make([]Member, 0, len(sealed.Records))}
	policies := a.engine.ListPolicies()
	for _, rec := range sealed.Records {
		if rec.ID.Reserved() {
			continue
		}
		p, err := policies(ctx, rec.ID)
		if err != nil {
			return MemberPage{}, err
		}
		page.Members = append(page.Members, a.view(a.engine.Opened(rec), p))
	}
	return page, nil
}

// view returns the part of an entry that an administrator sees.
func (a Admin) view(e engine.Entry, p policy.Policy) Member {
	m := Member{ID: e.ID, Required: p.Mode == policy.Required, Updated: e.Updated}
	if e.Err != nil {
		m.State = StateUnreadable
		return m
	}
	tx := a.engine.View(e)
	m.Enrollment, m.Throttled, m.FrozenAt = tx.Enrollment.State(tx.Now), a.engine.Throttled(tx), tx.Freeze.At
	m.Authenticators, m.Phones, m.RecoveryCodesLeft = len(tx.Enrollment.Authenticators()), len(tx.Phones.Phones()), tx.Recovery.Remaining()
	_, candidate := tx.Enrollment.Candidate(tx.Now)
	_, number := tx.Phones.Pending(tx.Now)
	m.Enrolling = candidate || number
	m.Assigned, _ = phone.ParseNumber(tx.Assigned) // empty: none
	m.Numbers, m.WeakUntil = tx.Phones.Phones(), tx.Enrollment.WeakUntil()
	m.GraceUntil, _ = tx.GraceUntil(p)
	m.GraceBegins, m.Machine = tx.GraceBegins(p), tx.Machine
	m.Generation, m.Mark = tx.Generation, a.mark(tx)
	if tx.Issued.Live(tx.Now) {
		m.IssuedUntil = tx.Issued.At.Add(account.IssuedAge)
	}
	m.NeedsCode, m.ResetClearsCodes = tx.NeedsCode(p), tx.Suspicion.CodeOnly
	m.Recoverable, m.ResetAt = tx.Enrollment.Recoverable(tx.Now), tx.Enrollment.ResetAt()
	for _, b := range a.engine.TrustedBrowsers(tx, p) {
		m.Browsers = append(m.Browsers, totpflow.Browser{ID: b.ID, Label: b.Label, Issued: b.Issued, Seen: b.Seen, Expires: b.Expires})
	}
	for _, x := range tx.Enrollment.Authenticators() {
		m.Apps = append(m.Apps, totpflow.Authenticator{ID: x.ID, Name: x.Name, Added: x.Added, Used: x.Used, WeakUntil: x.Until})
		if x.Used.After(m.LastUsed) {
			m.LastUsed = x.Used
		}
	}
	m.State = m.state(tx.Now)
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

// Counts are the numbers of a list: "37 of 50 have set it up" is Enabled of Total minus
// Exempt. Weak counts the accounts in Enabled that have only weak keys of an import.
type Counts struct {
	Total, Enabled, Required, Grace, Disabled, Exempt, Frozen, Unreadable int
	Weak                                                                  int
}

// Add counts a member by its state.
func (c *Counts) Add(m Member) {
	c.Total++
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
