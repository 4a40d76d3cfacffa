package canary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// changes are those that a person makes on a security page.
func changes(l *Life, ctx context.Context) {
	ana := l.mfa.Account(l.ana.user)
	next := l.decision(l.mfa.ReplaceAtSignIn(ctx, l.challenge(ctx, l.ana).Challenge))
	d := l.decision(l.mfa.VerifyCode(ctx, next.Challenge, l.code(l.ana)))
	l.setUp(ctx, l.ana, d.Proof)
	l.setUp(ctx, l.ana, l.prove(ctx, l.ana, totpflow.ActionAddAuthenticator))

	remove := totpflow.Action("delete backup").On("7")
	proof, err := ana.VerifyPair(ctx, remove, l.code(l.ana), l.code(l.ana))
	l.token(ticket, string(proof))
	l.saw(err, proof)
	must(ana.ConsumeProof(ctx, proof, remove))
	proof, change, err := ana.VerifyRecoveryCode(ctx, remove, l.ana.sheet[2])
	l.token(ticket, string(proof))
	l.saw(err, proof, change)

	d = l.signIn(ctx, l.ana)
	valid, err := ana.SessionValid(ctx, d.Mark)
	if l.saw(err, d.Mark); !valid {
		panic(fault{errors.New("the session is not valid")})
	}
	b, err := l.mfa.TrustBrowser(ctx, d.Proof, "Safari")
	l.token(trustToken, string(b.Token))
	l.saw(err, b)
	must(ana.RevokeBrowser(ctx, b.ID))
	must(ana.RevokeBrowsers(ctx))
	st, err := ana.Status(ctx, b.Token)
	l.saw(err, st)
	older := st.Authenticators[0].ID // the app of l.ana is the newest one
	must(ana.RenameAuthenticator(ctx, older, "Old phone"))
	l.changed(ana.RemoveAuthenticator(ctx, l.proveFor(ctx, l.ana, totpflow.ActionRemoveAuthenticator.On(older)), older))
	number := st.Phones[0].ID
	l.changed(ana.RemovePhone(ctx, l.proveFor(ctx, l.ana, totpflow.ActionRemovePhone.On(number)), number))
	l.changed(ana.EndSessions(ctx))

	must(l.admin().SetPolicy(ctx, root, "acme", policy.Policy{Mode: policy.Optional, Methods: methods}))
	l.changed(l.mfa.Account(l.ben.user).Disable(ctx, l.prove(ctx, l.ben, totpflow.ActionDisable)))
	must(l.admin().SetPolicy(ctx, root, "acme", policy.Policy{Mode: policy.Required, Methods: methods}))
	l.setUp(ctx, l.ben, l.challenge(ctx, l.ben).Challenge)
}

func (l *Life) changed(c totpflow.Change, err error) totpflow.Change {
	l.saw(err, c)
	return c
}

// by is an administrator with a proof for the purpose.
func (l *Life) by(ctx context.Context, p *person, purpose totpflow.Purpose) admin.Administrator {
	actor := admin.Administrator{User: p.user, Proof: l.proveFor(ctx, p, purpose)}
	l.say(actor)
	return actor
}

// helps are an administrator's calls about other people, by a code each and by one code
// for several.
func helps(l *Life, ctx context.Context) {
	office := l.admin()
	carl := &person{user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "carl"}}}
	l.setUp(ctx, carl, l.challenge(ctx, carl).Challenge)
	l.setUp(ctx, carl, l.prove(ctx, carl, totpflow.ActionReplaceAuthenticator))
	b, err := l.mfa.TrustBrowser(ctx, l.signIn(ctx, carl).Proof, "Opera")
	l.token(trustToken, string(b.Token))
	l.saw(err, b)

	member, err := office.Member(ctx, root, id(carl))
	l.saw(err, member)
	must(office.RevokeBrowser(ctx, l.by(ctx, l.ana, admin.Purpose(admin.ActionRevokeBrowser, id(carl))), id(carl), b.ID))
	actions, targets := []totpflow.Action{admin.ActionRestoreAuthenticator, admin.ActionResetAccount}, []store.AccountID{id(carl), id(l.ben)}
	window, err := office.OpenWindow(ctx, l.by(ctx, l.ana, admin.WindowPurpose(actions, targets)), actions, targets)
	l.token(windowKey, string(window))
	l.saw(err, window)
	actor := admin.Administrator{User: l.ana.user, Window: window}
	rest, err := office.WindowRest(ctx, actor)
	l.saw(err, actor, rest)
	l.changed(office.RestoreAuthenticator(ctx, actor, id(carl), member.Recoverable[0].ID))
	_, err = office.RestoreAuthenticator(ctx, actor, id(carl), member.Recoverable[0].ID)
	l.refused(totpflow.ErrProof, err)
	must(office.CloseWindow(ctx, l.ana.user))

	number, err := phone.ParseNumber("+43 660 7654321")
	l.saw(err, number)
	l.Add(phoneNumber, []byte(number.E164()[1:]))
	l.changed(office.AssignPhone(ctx, l.by(ctx, l.ana, admin.Purpose(admin.ActionAssignPhone, id(carl))), id(carl), number))
	outcomes, err := office.ResetMany(ctx, root, "acme", []string{"carl", "nobody"}, admin.ScopeAll)
	l.saw(err, outcomes)
	_, err = office.Export(ctx, root, id(carl)) // its numbers are for the person
	l.saw(err)
	for m, err := range office.Status(ctx, root, id(carl), id(l.ana)) {
		l.saw(err, m)
	}
	tally, err := office.Tally(ctx, root, store.Query{Tenant: "acme"})
	l.saw(err, tally)
	shared, err := office.SharedSecrets(ctx, root, []admin.Imported{{ID: id(carl), Key: l.ana.key}})
	if l.saw(err, shared); !shared[0] {
		panic(fault{errors.New("the secret is not found")})
	}
}

// hears says whether the notifier can send mails.
func (l *Life) hears(ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = !ok
}

// asks are requests for a second administrator, and the calls about accounts that have
// not enrolled, are no longer exempt, or end.
func asks(l *Life, ctx context.Context) {
	office := l.admin()
	next := policy.Policy{Mode: policy.Required, Methods: methods, Grace: 14 * 24 * time.Hour, TwoAdministrators: true}
	shown, err := office.PreviewPolicy(ctx, root, "acme", next)
	l.saw(err, shown)
	must(office.SetPolicy(ctx, root, "acme", next))
	late := &person{user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "late"}}}
	l.challenge(ctx, late)
	must(office.ExtendGrace(ctx, root, id(late), l.clock.Now().Add(20*24*time.Hour)))
	for _, remind := range []func() ([]admin.Outcome, error){
		func() ([]admin.Outcome, error) { return office.Remind(ctx, root, "acme", []string{"late"}) },
		func() ([]admin.Outcome, error) { return office.RemindDue(ctx, root, "acme", []string{"late"}) },
	} {
		outcomes, err := remind()
		l.saw(err, outcomes)
	}

	agent := store.AccountID{Tenant: "acme", User: "agent"}
	l.changed(office.EndExemption(ctx, root, agent))
	pending := func() string {
		_, err := office.Exempt(ctx, l.by(ctx, l.ana, admin.Purpose(admin.ActionExemptAccount, agent)), agent, "backup agent")
		l.refused(admin.ErrApproval, err)
		st, err := office.Tenant(ctx, root, "acme")
		l.saw(err, st)
		return st.Pending[0].ID
	}
	request := pending()
	must(office.Withdraw(ctx, l.by(ctx, l.ana, admin.ActionApprove.On(request)), "acme", request))
	request = pending()
	outcomes, err := office.Approve(ctx, l.by(ctx, l.ben, admin.ActionApprove.On(request)), "acme", request)
	l.saw(err, outcomes)
	must(office.Forget(ctx, root, id(late)))

	l.hears(false) // the mail server is down for a while
	l.changed(l.mfa.Account(l.ben.user).EndSessions(ctx))
	must(l.mfa.Drain(ctx))
	l.hears(true)
	l.clock.Advance(time.Hour)
	if accounts, err := l.mfa.Deliver(ctx); err != nil || accounts == 0 {
		panic(fault{fmt.Errorf("%d accounts were notified: %w", accounts, err)})
	}
	must(l.mfa.Ready(ctx))
	must(office.PreviewTidy(ctx, root, "", func(p admin.Progress) { l.say(p) }))
	must(office.Tidy(ctx, root, "", func(p admin.Progress) { l.say(p) }))
}
