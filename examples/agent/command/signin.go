package command

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
)

// tries is how often a person is asked for a code. The server counts as well, and
// has the last word.
const tries = 3

func (a *agent) signIn(ctx context.Context, _ []string) error {
	switch err := a.who(); {
	case err == nil:
		return errSignedIn
	case !errors.Is(err, errSignedOut) && !errors.Is(err, errNoVault):
		return err
	}
	c, err := a.client(a.address())
	if err != nil {
		return err
	}
	email, err := a.ask(ctx, a.text("askEmail"))
	if err != nil {
		return err
	}
	password, err := a.secret(ctx, a.text("askPassword"))
	if err != nil {
		return err
	}
	in, err := a.enter(ctx, c, object{"email": email, "password": password})
	if err != nil {
		return err
	}
	if err := a.adopt(ctx, c, in); err != nil {
		return err
	}
	a.say(a.text("welcome", "Name", a.account.Name, "Organisation", a.account.Of))
	if !a.account.Keyring {
		a.note(a.text("noKeyring"))
	}
	return a.advise(ctx, c, in)
}

// address is the server's: of the command line, of the account that is signed in, or
// the one of the examples.
func (a *agent) address() string {
	switch {
	case a.server != "":
		return a.server
	case a.account != nil:
		return a.account.Server
	}
	return "http://127.0.0.1:8080"
}

// enter does whatever the server asks for, until somebody is in.
func (a *agent) enter(ctx context.Context, c client, first object) (in signedIn, err error) {
	err = c.post(ctx, "/api/signin", first, &in)
	if which, ok := refusedFor(err, "organisation_required"); ok {
		if first["organisation"], err = a.choose(ctx, which.Organisations); err != nil {
			return in, err
		}
		err = c.post(ctx, "/api/signin", first, &in)
	}
	if asked, ok := refusedFor(err, "code_required"); ok {
		err = a.withCode(ctx, asked, func(given code) error {
			return c.post(ctx, "/api/code", with(object{"challenge": asked.Challenge}, given), &in)
		})
	}
	if asked, ok := refusedFor(err, "setup_required"); ok && asked.Challenge != "" {
		a.note(a.text("setUpFirst"))
		return a.enroll(ctx, c, object{"challenge": asked.Challenge})
	}
	return in, err
}

// choose asks in which of the organisations.
func (a *agent) choose(ctx context.Context, all []organisation) (string, error) {
	for i, one := range all {
		a.note(a.text("choice", "Number", i+1, "Name", one.Name))
	}
	text, err := a.ask(ctx, a.text("askOrganisation"))
	if err != nil {
		return "", err
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(all) {
		return all[n-1].ID, nil
	}
	i := slices.IndexFunc(all, func(one organisation) bool { return one.ID == text || one.Name == text })
	if i < 0 {
		return "", usageError(a.text("noSuchChoice"))
	}
	return all[i].ID, nil
}

// withCode asks for a code and tries it. A person may try again, and is asked for
// two codes in a row where single ones have to wait; a script is not, since what
// it says next is meant for something else.
func (a *agent) withCode(ctx context.Context, asked *refusal, try func(code) error) error {
	if len(asked.Methods) > 0 && !slices.ContainsFunc(asked.Methods, taken) {
		return errNoWay
	}
	if asked.Pair && !asked.Until.IsZero() {
		a.note(a.text("waitPair", "Wait", a.words.Span(asked.Until.Sub(a.Now()))))
	}
	for n, pair := 1, asked.Pair; ; n++ {
		given, err := a.askCode(ctx, pair)
		if errors.Is(err, io.EOF) && pair && !a.person() { // a script, which has only one
			return &refusal{Word: "wait", Until: asked.Until, Pair: true}
		}
		if err != nil {
			return err
		}
		if given["code"] == "" { // Enter alone
			err = &refusal{Word: "malformed_code"}
		} else {
			err = try(given)
		}
		var e *refusal
		if !errors.As(err, &e) || !e.again() || n == tries || !a.person() {
			return err
		}
		_, text := a.explainRefusal(e)
		a.note(text)
		pair = pair || e.Pair
	}
}

// taken reports whether askCode takes the codes of a method.
func taken(method string) bool {
	return method == "code" || method == "recovery-code" || method == "issued-code"
}

// again reports whether another code may be right.
func (e *refusal) again() bool {
	return e.Word == "wrong_code" || e.Word == "used_code" || e.Word == "malformed_code" || e.Word == "wait" && e.Pair
}

// advise says what a sign-in leaves to do. A person who has come in with a recovery code
// has lost the phone, and sets up the new one now.
func (a *agent) advise(ctx context.Context, c client, in signedIn) error {
	switch in.By {
	case "recovery code":
		a.note(a.text("recovering", "Count", in.RecoveryCodesLeft))
		done, err := a.enroll(ctx, c.proved(in.Proof), object{})
		if err != nil {
			return err
		}
		return a.adopt(ctx, c, done)
	case "grace":
		a.note(a.text("grace", "Until", textTime(in.SetUpUntil)))
	case "not enrolled":
		a.note(a.text("notEnrolled"))
	}
	return nil
}

// signOut ends the session here and on the server. Where the server cannot be
// asked, or the files do not say which session it is, it is gone from here all
// the same.
func (a *agent) signOut(ctx context.Context, _ []string) error {
	if err := a.files.own(); err != nil {
		return err
	}
	err := a.who()
	who := a.account
	switch {
	case errors.Is(err, errBroken):
		who = &account{}
	case who == nil:
		return err
	}
	c, err := a.client(who.Server)
	if err == nil {
		err = c.post(ctx, "/api/signout", object{"device": who.Device}, nil)
	}
	a.close()
	a.account, a.vault = nil, nil
	if gone := a.files.forget(who); gone != nil {
		return gone
	}
	a.say(a.text("nowSignedOut"))
	if err != nil {
		a.note(a.text("leftOnServer"))
	}
	return nil
}
