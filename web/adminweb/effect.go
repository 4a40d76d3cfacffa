package adminweb

import (
	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/web"
)

// An effect is what a change does to one account, or to that many. The administrator who
// approves the change reads the same as the one who asked for it.
type effect struct {
	action totpflow.Action
	scope  admin.Scope // of a reset
	count  int
	number bool // a phone is chosen, and not only removed
	mailed bool // the policy requires a recovery code by mail after a reset
}

// details says what the change does. The member is empty if there are several.
func (e effect) details(l *web.Language, m admin.Member) (details []string) {
	switch e.action {
	case admin.ActionResetAccount:
		details = append(ends(l, m, e.scope), l.Say("does."+string(e.scope), "Count", e.count))
		if clears := e.scope == admin.ScopeAll || e.scope == admin.ScopeAuthenticators; clears && len(m.Recoverable) > 0 {
			details = append(details, l.Say("ends.kept", "Names", l.Quoted(kept(m))))
		}
		if e.scope == admin.ScopeAuthenticators && (e.count > 1 || e.keepsCodes(m)) {
			details = append(details, l.Say("does.codesStay", "Count", e.count))
		}
		if e.scope == admin.ScopeAll || e.scope == admin.ScopeAuthenticators {
			details = append(details, e.code(l, m)...)
		}
	case admin.ActionRestoreAuthenticator:
		details = append(ends(l, m, admin.ScopeAll), l.Say("does.restore"))
	case admin.ActionAssignPhone:
		details = append(factors(l, numbers(m)), l.Say("does.phone"))
		if e.number {
			details = append(details, l.Say("does.phoneVerify"))
		}
		if m.Phones > 0 && m.Authenticators == 0 {
			details = append(append(details, l.Say("does.phoneOnly")), e.code(l, m)...)
		}
	case admin.ActionExemptAccount:
		details = append(ends(l, m, admin.ScopeAll), l.Say("does.exempt"))
	case admin.ActionForgetAccount:
		details = append(ends(l, m, admin.ScopeAll), l.Say("does.forget"))
	}
	return details
}

// code says which code leads to the set-up that the change makes necessary. Without one, the
// administrator has to send it, and would otherwise learn that from the next call.
func (e effect) code(l *web.Language, m admin.Member) []string {
	stay := e.scope != admin.ScopeAll && (e.count > 1 || e.keepsCodes(m))
	switch {
	case !m.FrozenAt.IsZero() && e.action != admin.ActionResetAccount: // it stays closed
		return nil
	case !m.FrozenAt.IsZero():
		return []string{l.Say("does.frozen")}
	case e.mailed && stay:
		return []string{l.Say("does.needsCodeLeft", "Count", e.count)}
	case e.mailed:
		return []string{l.Say("does.needsCode", "Count", e.count)}
	}
	return nil
}

// keepsCodes reports whether the person still has recovery codes after the change.
func (e effect) keepsCodes(m admin.Member) bool {
	return m.RecoveryCodesLeft > 0 && (e.action != admin.ActionResetAccount || !clearsCodes(m, e.scope))
}

// clearsCodes reports whether a reset clears the recovery codes.
func clearsCodes(m admin.Member, scope admin.Scope) bool {
	return scope == admin.ScopeAll || scope == admin.ScopeRecoveryCodes || scope == admin.ScopeAuthenticators && m.ResetClearsCodes
}

// ends names everything that a reset takes away.
func ends(l *web.Language, m admin.Member, scope admin.Scope) (details []string) {
	if scope == admin.ScopeAll || scope == admin.ScopeAuthenticators {
		var names []string
		for _, a := range m.Apps {
			names = append(names, a.Name)
		}
		details = factors(l, append(names, numbers(m)...))
		if m.Enrolling {
			details = append(details, l.Say("ends.setup"))
		}
	}
	if codes := m.RecoveryCodesLeft; codes > 0 && clearsCodes(m, scope) {
		details = append(details, l.Say("ends.codes", "Count", codes))
	}
	if browsers := len(m.Browsers); browsers > 0 && scope != admin.ScopeRecoveryCodes {
		details = append(details, l.Say("ends.browsers", "Count", browsers))
	}
	return details
}

func factors(l *web.Language, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{l.Say("ends.factors", "Names", l.Quoted(names))}
}

// kept returns the names of the authenticators that could be restored.
func kept(m admin.Member) (names []string) {
	for _, x := range m.Recoverable {
		names = append(names, x.Name)
	}
	return names
}

func numbers(m admin.Member) (names []string) {
	for _, n := range m.Numbers {
		names = append(names, n.Number.String())
	}
	return names
}
