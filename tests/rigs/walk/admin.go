package walk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

var scopes = []admin.Scope{admin.ScopeAll, admin.ScopeAuthenticators, admin.ScopeBrowsers, admin.ScopeRecoveryCodes}

// administers acts, now and then, as an operator, who needs no proof. Another test covers
// which proof is valid for which action.
func (w *walker) administers() {
	user := w.next(2)
	m, now, id, adm := w.people[user], w.now(), w.id(user), admin.New(w.service(), nil)
	needed := func(e expectation) func(string) expectation {
		return func(string) expectation {
			if !w.exists(user) {
				return only("no account")
			}
			return e
		}
	}
	free := func(e expectation) func(string) expectation { return func(string) expectation { return e } }
	act := w.next(40)
	switch closed := m.state.frozen || m.state.exempt; {
	case closed && w.next(3) > 0:
		act = []int{0, 3, 4, 7, 7}[w.next(5)] // mostly one that ends the freeze
	case !closed && !m.state.reset && len(m.phones) == 0 && w.next(3) == 0:
		act = 9 // which applies only to these
	}
	switch act {
	case 0, 1:
		what := scopes[w.next(len(scopes))]
		e := needed(m.resets(now, what))
		w.expectChange("reset", user, e)(adm.Reset(w.ctx, ops, id, what))
	case 3:
		e := needed(m.unlocks(now))
		w.expectError("unlock", adm.Unlock(w.ctx, ops, id), e)
	case 4, 5, 22, 23, 24:
		w.restores(user, adm)
	case 6:
		w.expectChange("exempt", user, free(m.exempts()))(adm.Exempt(w.ctx, ops, id, "agent"))
	case 7, 8:
		w.expectChange("end exemption", user, needed(m.endsExemption(now)))(adm.EndExemption(w.ctx, ops, id))
	case 9, 14:
		until := now.Add([]time.Duration{-time.Hour, time.Hour, 25 * time.Hour, 91 * 24 * time.Hour}[w.next(4)])
		w.expectError("extend", adm.ExtendGrace(w.ctx, ops, id, until), free(m.extends(now, until)))
	case 10, 11, 15, 16:
		w.imports(user, adm)
	case 12, 13, 17, 18, 19, 20:
		w.issues(user, adm)
	case 21, 25:
		w.rarely(user, adm)
	}
}

// rarely performs actions that would otherwise leave nothing to walk on.
func (w *walker) rarely(user int, adm admin.Admin) {
	m, existed := w.people[user], w.exists(user)
	switch w.next(3) {
	case 0:
		e := only("no account")
		if existed {
			e = expectation{"ok", func() {
				w.check(!w.exists(user), "forget: the record is still there")
				*m = model{required: m.required, generation: m.generation + 1, ends: m.ends}
			}}
		}
		w.expectError("forget", adm.Forget(w.ctx, ops, w.id(user)), func(string) expectation { return e })
	case 1:
		now, e := w.now(), only("ok")
		if there := [2]bool{w.exists(0), w.exists(1)}; there[0] || there[1] {
			e.then = func() {
				for i, m := range w.people {
					if there[i] {
						m.burns(now)
					}
				}
			}
		}
		w.expectError("restored", adm.AfterDatabaseRestore(w.ctx, ops, time.Time{}, "", nil), func(string) expectation { return e })
		w.settles() // by an earlier code
	}
}

// restores tries one of the listed authenticators, or one that is not listed.
func (w *walker) restores(user int, adm admin.Admin) {
	m, now, id := w.people[user], w.now(), "nobody's"
	var kept *modelKept
	if !w.refusing {
		list := w.member(user).Recoverable
		if i := w.next(4); i < len(list) {
			for _, other := range list { // those that look the same are left alone
				if other.ID != list[i].ID && other.Added.Equal(list[i].Added) && other.Until.Equal(list[i].Until) {
					return
				}
			}
			id, kept = list[i].ID, m.keptAs(now, list[i].Added, list[i].Until)
		}
	}
	existed := w.exists(user)
	w.expectChange("restore", user, func(string) expectation {
		if !existed {
			return only("no account")
		}
		return m.restores(now, kept)
	})(adm.RestoreAuthenticator(w.ctx, ops, w.id(user), id))
}

func (w *walker) imports(user int, adm admin.Admin) {
	m, now := w.people[user], w.now()
	key, err := totp.NewKey(totp.Params{})
	w.need(err, "a new key")
	if w.next(4) == 0 && len(m.phones) > 0 {
		key = m.phones[0].key
	}
	rows := []admin.Imported{{ID: w.id(user), Key: key}}
	shown := importError(adm.PreviewImport(w.ctx, ops, rows))
	err = importError(adm.Import(w.ctx, ops, rows))
	if !errors.Is(shown, store.ErrUnavailable) && !errors.Is(err, store.ErrUnavailable) {
		w.check(fmt.Sprint(shown) == fmt.Sprint(err), "import: the preview has shown %v, and the import says %v", shown, err)
	}
	w.expectError("import", err, func(string) expectation { return m.imports(now, key) })
}

// importError returns the error of a call or of its only row.
func importError(outcomes []admin.Outcome, err error) error {
	if err == nil {
		err = outcomes[0].Err
	}
	return err
}

func (w *walker) issues(user int, adm admin.Admin) {
	m, now, existed := w.people[user], w.now(), w.exists(user)
	var code string
	err := adm.IssueRecoveryCode(w.ctx, ops, w.id(user), func(_ context.Context, c admin.IssuedCode) error {
		code = c.Code
		return nil
	})
	e := m.issues(now)
	if e.answer == "ok" {
		e.then = func() {
			w.check(code != "", "issue: no code was delivered")
			m.state.issued = &modelIssued{mark{at: now}, code}
			w.issued = append(w.issued, code)
		}
	}
	w.expectError("issue", err, func(string) expectation {
		if !existed {
			return only("no account")
		}
		return e
	})
}

// disowns answers "it was not me" to an event, now or from some earlier time.
func (w *walker) disowns() {
	user, now := w.next(2), w.now()
	of := pick(w, w.told)
	if w.next(4) == 0 {
		of = now
		w.told = append(w.told, now)
	}
	if w.next(8) > 0 {
		return // otherwise nobody would get in for long
	}
	m, existed := w.people[user], w.exists(user)
	link := w.service().NewDisownToken(event.Event{Tenant: users[user].ID.Tenant, User: users[user].ID.User, At: of})
	w.expectChange("disown", user, func(got string) expectation {
		if !existed {
			return only("disown")
		}
		return m.disowns(now, of, got)
	})(w.service().Disown(w.ctx, link))
	w.verifies() // by an earlier challenge
}
