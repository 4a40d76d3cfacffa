package command

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// tries is how often a person is asked for a code. The server counts tries too, and has
// the last word.
const tries = 3

func (a *agent) signIn(ctx context.Context, _ []string) error {
	switch err := a.who(); {
	case err == nil:
		return errSignedIn
	case !absent(err):
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
	var in signedIn
	err = a.withPassword(ctx, a.text("askPassword"), func(password string) (err error) {
		in, err = a.enter(ctx, c, object{"email": email, "password": password})
		return err
	})
	if err != nil {
		return err
	}
	if err := a.keeps(ctx, c, in); err != nil {
		return err
	}
	a.say(a.text("welcome", "Name", a.account.Name, "Organisation", a.account.Of))
	if !a.account.Keyring {
		a.note(a.text("noKeyring"))
	}
	return a.advise(ctx, c, in)
}

// withPassword asks for a password and tries it. A person who has mistyped it is asked
// again. Otherwise they would type it again at the next prompt, which is the shell's, for
// everyone to see.
func (a *agent) withPassword(ctx context.Context, question string, try func(password string) error) error {
	for n := 1; ; n++ {
		password, err := a.secret(ctx, question)
		if err != nil {
			return err
		}
		err = try(password)
		var e *refusal
		if !errors.As(err, &e) || e.Word != "wrong_password" && e.Word != "password_required" || n == tries || !a.person() {
			return err
		}
		_, text := a.explainRefusal(e)
		a.correct(text)
	}
}

// address returns the server's address: from the command line, from the account that is
// signed in, or the default of the examples.
func (a *agent) address() string {
	switch {
	case a.server != "":
		return a.server
	case a.account != nil:
		return a.account.Server
	}
	return "http://127.0.0.1:8080"
}

// enter answers whatever the server requires, until the person is signed in.
func (a *agent) enter(ctx context.Context, c client, first object) (in signedIn, err error) {
	err = c.post(ctx, "/api/signin", first, &in)
	if which, ok := refusedFor(err, "organisation_required"); ok {
		if first["organisation"], err = a.choose(ctx, which.Organisations); err != nil {
			return in, err
		}
		err = c.post(ctx, "/api/signin", first, &in)
	}
	if asked, ok := refusedFor(err, "code_required"); ok {
		a.methods = asked.Methods
		sent, unsent := a.codesByPhone(ctx, c, asked)
		if unsent != nil {
			return in, unsent
		}
		err = a.withCode(ctx, asked, sent, func(given code) error {
			return c.post(ctx, factor+"/code", with(object{"challenge": asked.Challenge}, given), &in)
		})
	}
	if asked, ok := refusedFor(err, "setup_required"); ok && asked.Challenge != "" {
		a.note(a.text("setUpFirst"))
		return a.enroll(ctx, c, object{"challenge": asked.Challenge})
	}
	return in, err
}

// choose asks which of the organisations it is.
func (a *agent) choose(ctx context.Context, all []organisation) (string, error) {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.Name
	}
	i, err := a.pick(ctx, a.text("askOrganisation"), a.text("noSuchChoice"), names, func(text string) int {
		return slices.IndexFunc(all, func(one organisation) bool { return one.ID == text || one.Name == text })
	})
	if err != nil {
		return "", err
	}
	return all[i].ID, nil
}

// pick asks for one of several, by its number or by another name for it. A person who
// mistypes the number is asked again.
func (a *agent) pick(ctx context.Context, question, none string, names []string, named func(string) int) (int, error) {
	for i, name := range names {
		a.note(a.text("choice", "Number", i+1, "Name", name))
	}
	for n := 1; ; n++ {
		text, err := a.ask(ctx, question)
		if err != nil {
			return 0, err
		}
		if i, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && i >= 1 && i <= len(names) {
			return i - 1, nil
		}
		if i := named(text); i >= 0 {
			return i, nil
		}
		if n == tries || !a.person() {
			return 0, usageError(none)
		}
		a.correct(none)
	}
}

// withCode asks for a code and tries it. A person may try again, and is asked for two
// codes in a row while single ones are not accepted. A script may not, because its next
// line is meant for something else. Codes come from an app if sent is nil.
func (a *agent) withCode(ctx context.Context, asked *refusal, sent *phoneCodes, try func(code) error) error {
	if asked.Pair && !asked.Until.IsZero() {
		a.correct(a.text("waitPair", "Wait", a.words.Span(asked.Until.Sub(a.Now()))))
	}
	question := asked.question(sent != nil)
	if asked.has("issued-code") && question != "askMailCode" && !asked.Pair && a.person() {
		a.note(a.text("orMail", "Word", wordMail))
	}
	for n, pair := 1, asked.Pair; ; n++ {
		given, err := a.codeOf(ctx, pair, sent, question)
		if errors.Is(err, io.EOF) && pair && !a.person() { // a script that has only one code
			return &refusal{Word: "wait", Until: asked.Until, Pair: true}
		}
		if err != nil {
			return err
		}
		if given.empty() { // Enter alone
			err = &refusal{Word: "malformed_code"}
		} else {
			err = try(given)
		}
		var e *refusal
		if !errors.As(err, &e) || !e.again() || n == tries || !a.person() {
			return err
		}
		_, text := a.explainRefusal(e)
		a.correct(text)
		if e.Word == "no_code" && sent != nil {
			a.offerAnother(sent)
		}
		pair = pair || e.Pair
	}
}

// has reports whether the person may answer by this method.
func (e *refusal) has(method string) bool { return slices.Contains(e.Methods, method) }

// question returns the id of the question for a code. It names only codes that the person
// has, if the server has named the methods.
func (e *refusal) question(byPhone bool) string {
	recovery := e.has("recovery-code")
	switch {
	case byPhone && recovery:
		return "askPhoneCode"
	case byPhone:
		return "askPhoneCodeOnly"
	case e.has("code") && !recovery:
		return "askAppCode"
	case e.has("code"):
		return "askCode"
	case recovery: // after a reset
		return "askRecoveryCode"
	case e.has("issued-code"):
		return "askMailCode"
	}
	return "askCode"
}

// again reports whether another code may be right.
func (e *refusal) again() bool {
	return e.Word == "wrong_code" || e.Word == "used_code" || e.Word == "malformed_code" || e.Word == "no_code" || e.Word == "wait" && e.Pair
}

// advise says what remains to be done after a sign-in. A person who came in with a
// recovery code has lost the phone, and sets up the new one now.
func (a *agent) advise(ctx context.Context, c client, in signedIn) error {
	switch in.By {
	case "recovery code":
		a.note(a.text("recovering", "Count", in.RecoveryCodesLeft))
		done, err := a.enroll(ctx, c.proved(in.Proof), object{})
		if err != nil {
			return err
		}
		return a.keeps(ctx, c, done)
	case "grace":
		a.note(a.text("grace", "Until", a.textTime(in.SetUpUntil)))
	case "not enrolled":
		a.note(a.text("notEnrolled"))
	case "code", "phone code":
		if a.person() && !a.inside {
			a.note(a.text("locksNow"))
		}
	}
	return nil
}

// signOut ends the session here, in every window, and on the server. If the server cannot
// be asked, or the files do not say which session it is, signOut still removes the
// session from this machine.
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
		err = c.post(ctx, "/api/applock/end", object{"device": who.Device}, nil)
	}
	a.shut()
	if gone := a.files.forget(who); gone != nil {
		return gone
	}
	a.say(a.text("nowSignedOut"))
	if err != nil {
		a.note(a.text("leftOnServer"))
	}
	return nil
}
