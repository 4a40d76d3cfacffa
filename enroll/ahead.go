package enroll

import (
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
)

// Ahead reports whether a clock that was ahead, and has been corrected since, has left
// something that would last longer than allowed, or become valid again when its time
// arrives. If so, write the result of [Enrollment.Expire]. The last step of an
// authenticator does not count: it stays, since the codes up to it were used.
func (e Enrollment) Ahead(at time.Time) bool {
	return ahead(e.candidate.Began, at) || ahead(e.reset, at) && !e.lapsed ||
		slices.ContainsFunc(e.live, func(a Authenticator) bool { return ahead(a.Until, at.Add(MaxWeak)) }) ||
		slices.ContainsFunc(e.kept, func(k shelved) bool { return ahead(k.until, at.Add(RecoverableLifetime)) })
}

// ahead reports whether a time is further in the future than two clocks may differ.
func ahead(t, at time.Time) bool { return t.After(at.Add(skew.Tolerance)) }

// putRight limits what Ahead reports to the longest time allowed from now on. A reset in
// the future is treated as one from long ago, so that a person who obtains the password
// when its time arrives does not find the account open.
func (e Enrollment) putRight(at time.Time) Enrollment {
	if ahead(e.reset, at) {
		e.reset, e.lapsed = stamp(at), true
	}
	e.live, e.kept = slices.Clone(e.live), slices.Clone(e.kept)
	for i, a := range e.live {
		if ahead(a.Until, at.Add(MaxWeak)) {
			e.live[i].Until = stamp(at.Add(MaxWeak))
		}
	}
	for i, k := range e.kept {
		if ahead(k.until, at.Add(RecoverableLifetime)) {
			e.kept[i].until = stamp(at.Add(RecoverableLifetime))
		}
	}
	return e
}
