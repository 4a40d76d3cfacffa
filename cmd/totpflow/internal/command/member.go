package command

import (
	"time"

	"github.com/totpflow/totpflow/admin"
)

// member is an account as --json prints it. Times are RFC 3339, in UTC, and
// left out where there is none.
type member struct {
	Tenant            string    `json:"tenant"`
	User              string    `json:"user"`
	Name              string    `json:"name,omitempty"` // the name that --names gives
	State             string    `json:"state"`
	Enrollment        string    `json:"enrollment,omitempty"`
	Required          bool      `json:"required"`
	GraceUntil        time.Time `json:"grace_until,omitzero"`
	GraceBegins       bool      `json:"grace_begins,omitempty"` // the grace period begins at the next sign-in: it has no end yet
	Authenticators    int       `json:"authenticators"`
	WeakUntil         time.Time `json:"weak_until,omitzero"` // the last end, if all of them are weak keys of an import
	RecoveryCodesLeft int       `json:"recovery_codes_left"`
	LastUsed          time.Time `json:"last_used,omitzero"`
	ResetAt           time.Time `json:"reset_at,omitzero"`
	NeedsCode         bool      `json:"needs_code,omitempty"` // the enrollment after the reset requires a code
	FrozenAt          time.Time `json:"frozen_at,omitzero"`
	Machine           string    `json:"machine,omitempty"`
	Generation        uint64    `json:"generation"`
	Mark              string    `json:"session_mark,omitempty"`
	Waiting           *waiting  `json:"waiting,omitempty"`
	Browsers          []browser `json:"trusted_browsers"`
	Kept              []kept    `json:"kept"`
}

// waiting is the lockout after wrong codes.
type waiting struct {
	Until time.Time `json:"until,omitzero"` // without it, waiting does not help
	Pair  bool      `json:"two_codes_in_a_row"`
}

type browser struct {
	ID      string    `json:"id"`
	Label   string    `json:"label"`
	Issued  time.Time `json:"issued"`
	Seen    time.Time `json:"seen,omitzero"`
	Expires time.Time `json:"expires"`
}

// kept is an authenticator that was taken away and can be restored.
type kept struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Added time.Time `json:"added"`
	Used  time.Time `json:"used,omitzero"`
	Until time.Time `json:"until"`
}

func (a *app) memberOf(m admin.Member) member {
	out := member{
		Tenant: m.ID.Tenant, User: m.ID.User, Name: a.name(m.ID), State: string(m.State), Enrollment: string(m.Enrollment), Required: m.Required,
		GraceUntil: m.GraceUntil, GraceBegins: m.GraceBegins, Authenticators: m.Authenticators, WeakUntil: m.WeakUntil, RecoveryCodesLeft: m.RecoveryCodesLeft,
		LastUsed: m.LastUsed, ResetAt: m.ResetAt, NeedsCode: m.NeedsCode, FrozenAt: m.FrozenAt, Machine: m.Machine,
		Generation: m.Generation, Mark: string(m.Mark),
		Browsers: []browser{}, Kept: []kept{},
	}
	if m.GraceBegins {
		out.GraceUntil = time.Time{} // another one whenever somebody looks
	}
	if m.Throttled != nil {
		out.Waiting = &waiting{Until: m.Throttled.Until, Pair: m.Throttled.Pair}
	}
	for _, b := range m.Browsers {
		out.Browsers = append(out.Browsers, browser{b.ID, b.Label, b.Issued, b.Seen, b.Expires})
	}
	for _, k := range m.Recoverable {
		out.Kept = append(out.Kept, kept{k.ID, k.Name, k.Added, k.Used, k.Until})
	}
	return out
}
