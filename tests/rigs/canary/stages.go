package canary

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// stages are the parts of the life, in order.
var stages = []struct {
	name string
	act  func(*Life, context.Context)
}{
	{"policy and set-up", begins},
	{"signing in", signsIn},
	{"recovery codes", recovers},
	{"phones", telephones},
	{"the person's own changes", changes},
	{"too many wrong codes", guesses},
	{"a code sent by mail", isLockedOut},
	{"it was not me", disowns},
	{"import", imports},
	{"administration", administrates},
	{"help", helps},
	{"two administrators", asks},
	{"rotation and restore", rotates},
	{"trouble", breaks},
	{"lists", lists},
}

var root = admin.Operator{Name: "root", Reason: "ticket 7"}

func id(p *person) store.AccountID {
	return p.user.ID
}

func (l *Life) admin() admin.Admin {
	return admin.New(l.mfa, func(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return nil })
}

const methods = policy.App | policy.RecoveryCodes | policy.Phone | policy.External

func begins(l *Life, ctx context.Context) {
	must(l.admin().SetPolicy(ctx, root, "acme", policy.Policy{Mode: policy.Required, Methods: methods}))
	for _, p := range []*person{l.ana, l.ben} {
		l.setUp(ctx, p, l.challenge(ctx, p).Challenge)
	}
	must(l.mfa.Account(l.ana.user).RecoveryCodesSaved(ctx))
	old := *l.ana // the first app goes on beside the second one
	l.setUp(ctx, l.ana, l.prove(ctx, l.ana, totpflow.ActionAddAuthenticator))
	l.signIn(ctx, &old)
	l.setUp(ctx, l.ana, l.prove(ctx, l.ana, totpflow.ActionReplaceAuthenticator))
}

func signsIn(l *Life, ctx context.Context) {
	for range 3 {
		d := l.signIn(ctx, l.ana)
		b, err := l.mfa.TrustBrowser(ctx, d.Proof, "Firefox on Linux")
		l.token(trustToken, string(b.Token))
		l.saw(err, b, b.Token)
		d, err = l.mfa.SignIn(ctx, l.ana.user, b.Token)
		if l.decision(d, err); d.Reason != totpflow.ReasonTrustedBrowser {
			panic(fault{errors.New("the browser is not trusted")})
		}
		next := l.challenge(ctx, l.ana)
		l.decision(l.mfa.ContinueSignIn(ctx, next.Challenge))
		d, err = l.mfa.VerifyCode(ctx, next.Challenge, l.ana.typed[len(l.ana.typed)-1])
		l.refused(totpflow.ErrAlreadyUsed, err, d)
		d, err = l.mfa.VerifyCode(ctx, next.Challenge, l.wrong(l.ana)+"1")
		l.refused(totp.ErrMalformedCode, err, d)
		d, err = l.mfa.VerifyCode(ctx, next.Challenge+"x", l.wrong(l.ana))
		l.refused(totpflow.ErrChallenge, err, d)
		for _, answer := range []error{totpflow.ErrRejected, nil} {
			check, of, err := l.mfa.BeginExternal(ctx, next.Challenge, "key")
			l.token(ticket, string(check))
			l.saw(err, check)
			d, err = l.mfa.CompleteExternal(ctx, next.Challenge, check, of, answer)
			l.refused(answer, err)
			l.decision(d, nil)
		}
		must(l.mfa.Account(l.ana.user).ConsumeProof(ctx, l.prove(ctx, l.ana, "delete backup"), totpflow.Purpose{Action: "delete backup"}))
	}
	must(second(l.mfa.Account(l.ana.user).PasswordChanged(ctx)))
}

func recovers(l *Life, ctx context.Context) {
	spent := l.ana.sheet[0]
	d := l.decision(l.mfa.VerifyRecoveryCode(ctx, l.challenge(ctx, l.ana).Challenge, spent))
	l.setUp(ctx, l.ana, d.Proof)
	for _, code := range []string{spent, l.ben.sheet[0]} {
		d, err := l.mfa.VerifyRecoveryCode(ctx, l.challenge(ctx, l.ana).Challenge, code)
		l.refused(totpflow.ErrRejected, err, d)
	}
	sheet, _, err := l.mfa.Account(l.ana.user).NewRecoveryCodes(ctx, l.prove(ctx, l.ana, totpflow.ActionRecoveryCodes))
	l.saw(err, sheet)
	l.sheet(l.ana, sheet.Codes)
}

func telephones(l *Life, ctx context.Context) {
	number, err := phone.ParseNumber("+43 660 1234567")
	l.saw(err, number)
	l.Add(phoneNumber, []byte(number.E164()[1:]))
	page, err := l.mfa.BeginPhone(ctx, l.prove(ctx, l.ana, totpflow.ActionAddPhone), number)
	l.token(ticket, string(page.Token))
	l.saw(err, page, page.Token, page.Number)
	sent, err := l.mfa.SendEnrollmentCode(ctx, page.Token, phone.SMS)
	l.saw(err, sent)
	d, err := l.mfa.ConfirmPhone(ctx, page.Token, l.wrong(l.ana))
	l.refused(totpflow.ErrRejected, err, d)
	l.decision(l.mfa.ConfirmPhone(ctx, page.Token, l.sender.last))
	for round := range 4 {
		l.clock.Advance(time.Hour)
		next := l.challenge(ctx, l.ana)
		via := []phone.Via{phone.SMS, phone.Voice}[round%2]
		l.sender.fails = round == 2
		sent, err := l.mfa.SendPhoneCode(ctx, next.Challenge, next.Phones[0].ID, via)
		if l.say(sent, err); l.sender.fails != (err != nil) {
			panic(fault{fmt.Errorf("the provider failed: %w", err)})
		}
		l.sender.fails = false
		_, err = l.mfa.SendPhoneCode(ctx, next.Challenge, next.Phones[0].ID, via)
		l.refused(throttle.ErrThrottled, err)
		d, err := l.mfa.VerifyPhoneCode(ctx, next.Challenge, l.wrong(l.ana))
		l.refused(totpflow.ErrRejected, err, d)
		l.decision(l.mfa.VerifyPhoneCode(ctx, next.Challenge, l.sender.last))
	}
}

func guesses(l *Life, ctx context.Context) {
	next := l.challenge(ctx, l.ana)
	var wait *throttle.Error
	for range 20 {
		d, err := l.mfa.VerifyCode(ctx, next.Challenge, l.wrong(l.ana))
		if l.refused(totpflow.ErrRejected, errors.Join(totpflow.ErrRejected, err), d, err); errors.As(err, &wait) {
			break
		}
	}
	if wait == nil {
		panic(fault{errors.New("nobody has to wait")})
	}
	l.challenge(ctx, l.ana)
	first, second := l.code(l.ana), l.code(l.ana)
	l.decision(l.mfa.VerifyPair(ctx, l.challenge(ctx, l.ana).Challenge, first, second))
	must(l.admin().Unlock(ctx, root, id(l.ana)))
}

func isLockedOut(l *Life, ctx context.Context) {
	l.clock.Advance(25 * time.Hour) // the password was changed
	for _, trouble := range []error{errors.New("the mail server is down"), nil} {
		var code string
		err := l.admin().IssueRecoveryCode(ctx, root, id(l.ana), func(_ context.Context, c admin.IssuedCode) error {
			code = c.Code
			l.Add(issuedCode, []byte(code))
			return trouble
		})
		if l.say(err); (err != nil) != (trouble != nil) {
			panic(fault{fmt.Errorf("delivery: %w", err)})
		}
		if trouble == nil {
			d := l.decision(l.mfa.VerifyIssuedCode(ctx, l.challenge(ctx, l.ana).Challenge, code))
			l.setUp(ctx, l.ana, d.Challenge)
		}
	}
	must(second(l.admin().Reset(ctx, root, id(l.ana), admin.ScopeAll)))
	l.setUp(ctx, l.ana, l.challenge(ctx, l.ana).Challenge)
}

func disowns(l *Life, ctx context.Context) {
	var token totpflow.DisownToken
	for _, e := range l.events {
		if e.User == l.ana.user.ID.User && e.Kind == event.EnrollmentConfirmed {
			token = l.mfa.NewDisownToken(e)
		}
	}
	l.token(disownToken, string(token))
	change, err := l.mfa.Disown(ctx, token)
	l.saw(err, token, change)
	about, err := l.mfa.Disowned(token)
	l.saw(err, about)
	d, err := l.mfa.SignIn(ctx, l.ana.user)
	l.refused(totpflow.ErrFrozen, err, d)
	must(l.admin().Unlock(ctx, root, id(l.ana)))
	l.signIn(ctx, l.ana)
}

func imports(l *Life, ctx context.Context) {
	for n := range 3 {
		key, err := totp.NewKey(totp.Params{})
		l.saw(err, key)
		p := &person{user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("imported", n)}}}
		l.holds(p, key)
		l.takesOver(ctx, admin.Imported{ID: id(p), Key: key})
		l.signIn(ctx, p)
	}
	// A secret of 80 bits, whose code leads to another one.
	text := rand.Text()[:16]
	key, err := totp.ReadSecret(text, totp.Params{})
	l.saw(err, key)
	p := &person{user: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "weak"}}}
	l.holds(p, key)
	row := admin.Imported{ID: id(p), Key: key, WeakUntil: l.clock.Now().Add(enroll.MaxWeak)}
	l.takesOver(ctx, row)
	l.setUp(ctx, p, l.signIn(ctx, p).Challenge)
	// An import that is refused shows no secret either.
	other := row
	other.ID.User = "another"
	for _, rows := range [][]admin.Imported{{row, other}, {other}, {{ID: id(l.ana), Key: l.ben.key}}, {{ID: store.AccountID{User: "x\x00"}, Key: key}}} {
		rows[0].WeakUntil = time.Time{}
		outcomes, err := l.admin().Import(ctx, root, rows)
		l.saw(err, rows, outcomes)
		for _, o := range outcomes {
			l.say(o.Err)
		}
		if outcomes[0].Err == nil {
			panic(fault{errors.New("an import that had to be refused")})
		}
	}
}

// takesOver imports a row after a preview.
func (l *Life) takesOver(ctx context.Context, row admin.Imported) {
	for _, do := range []func(context.Context, admin.Actor, []admin.Imported) ([]admin.Outcome, error){l.admin().PreviewImport, l.admin().Import} {
		outcomes, err := do(ctx, root, []admin.Imported{row})
		l.saw(err, row, outcomes)
		must(outcomes[0].Err)
	}
}

func administrates(l *Life, ctx context.Context) {
	by := func(a totpflow.Action, target store.AccountID) admin.Administrator {
		return l.by(ctx, l.ana, admin.Purpose(a, target))
	}
	must(second(l.admin().Reset(ctx, by(admin.ActionResetAccount, id(l.ben)), id(l.ben), admin.ScopeBrowsers)))
	machine := store.AccountID{Tenant: "acme", User: "agent"}
	change, err := l.admin().Exempt(ctx, by(admin.ActionExemptAccount, machine), machine, "backup agent")
	must(err)
	l.decision(l.mfa.SignInMachine(ctx, totpflow.User{ID: machine}, change.Mark))
	_, err = l.admin().Reset(ctx, by(admin.ActionResetAccount, id(l.ana)), id(l.ana), admin.ScopeAll)
	l.refused(admin.ErrSelf, err)
}

func rotates(l *Life, ctx context.Context) {
	old := l.keys
	var err error
	l.keys, err = keyring.Rotate(old)
	must(err)
	must(l.open(ctx))
	l.signIn(ctx, l.ana)
	must(l.admin().Reseal(ctx, root, "", func(p admin.Progress) { l.say(p) }))
	ring, err := keyring.Parse(old)
	must(err)
	l.keys, err = keyring.Retire(l.keys, ring.IDs()[0])
	must(err)
	l.keys, err = keyring.RaiseEpoch(l.keys)
	must(err)
	must(l.open(ctx))
	must(l.admin().AfterDatabaseRestore(ctx, root, l.clock.Now(), "", func(p admin.Progress) { l.say(p) }))
	l.clock.Advance(2 * time.Minute)
	l.signIn(ctx, l.ana)
}

// breaks has the store fail in the middle of everything, and adds a record that the ring
// does not open.
func breaks(l *Life, ctx context.Context) {
	next := l.challenge(ctx, l.ana)
	for _, f := range []totptest.Faults{{Get: errors.New("no route")}, {Put: errors.New("disk full")}, {Lost: errors.New("reset by peer")}} {
		l.store.SetFaults(f)
		d, err := l.mfa.VerifyCode(ctx, next.Challenge, l.code(l.ana))
		l.say(d, err)
	}
	l.store.SetFaults(totptest.Faults{})
	rec, err := l.store.Get(ctx, id(l.ana))
	l.saw(err, rec)

	var trace bytes.Buffer
	whole := l.store
	l.store = totptest.Wrap(traced{whole, &trace})
	must(l.open(ctx))
	d, err := l.mfa.VerifyCode(ctx, l.challenge(ctx, l.ana).Challenge, l.code(l.ana))
	l.say(d, err)
	l.store = whole
	_, _ = l.said.Write(trace.Bytes())

	mine := l.keys
	l.keys = keyring.Generate()
	must(l.open(ctx))
	d, err = l.mfa.SignIn(ctx, l.ana.user)
	l.refused(keyring.ErrOpen, err, d)
	l.keys = mine
	must(l.open(ctx))
	if trace.Len() == 0 {
		panic(fault{errors.New("nothing was written")})
	}
}

func lists(l *Life, ctx context.Context) {
	for _, p := range []*person{l.ana, l.ben} {
		status, err := l.mfa.Account(p.user).Status(ctx)
		l.saw(err, status)
	}
	page, err := l.admin().ListPage(ctx, root, store.Query{Tenant: "acme"})
	l.saw(err, page)
	var csv bytes.Buffer
	must(admin.WriteCSV(&csv, l.admin().List(ctx, root, store.Query{Tenant: "acme"}), func(id store.AccountID) string { return id.User }))
	_, _ = l.said.Write(csv.Bytes())
	tenant, err := l.admin().Tenant(ctx, root, "acme")
	l.saw(err, tenant)
	for c, err := range l.admin().Check(ctx, root) {
		l.saw(err, c)
	}
	records, err := l.store.List(ctx, store.Query{AllTenants: true})
	l.saw(err, records)
	l.say(slices.Clone(l.events))
}

// second returns the error of a call that returns something else beside it.
func second[T any](_ T, err error) error { return err }
