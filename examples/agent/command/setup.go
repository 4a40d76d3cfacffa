package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// A page holds the data of a new authenticator, which is shown only once.
type page struct {
	Enrollment, URI, Secret string
	Expires                 time.Time
	Clears                  []string
}

// setUp binds a new authenticator. A person who has none yet enters the password. A
// person who has one enters a code of it, and the new authenticator replaces it.
func (a *agent) setUp(ctx context.Context, _ []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	var me struct {
		SecondFactor   string `json:"second_factor"`
		Authenticators []string
	}
	if err := c.get(ctx, factor+"/account", &me); err != nil {
		return a.over(err)
	}
	var p page
	if me.SecondFactor == "active" || me.SecondFactor == "replacing" {
		a.noteReplaced(me.Authenticators)
		proof, err := a.prove(ctx, c, &refusal{Action: "replace authenticator"})
		if err != nil {
			return err
		}
		p, err = a.beginSetUp(ctx, c.proved(proof), object{})
		if err != nil {
			return a.over(err)
		}
		if slices.Equal(p.Clears, me.Authenticators) { // said already
			p.Clears = nil
		}
	} else {
		a.note(a.text("endsOthers"))
		err := a.withPassword(ctx, a.text("askPasswordAgain"), func(password string) (err error) {
			p, err = a.beginSetUp(ctx, c, object{"password": password})
			return err
		})
		if err != nil {
			return a.over(err)
		}
	}
	done, err := a.confirm(ctx, c, p)
	if err != nil {
		return err
	}
	return a.keeps(ctx, c, done)
}

// enroll sets up an authenticator. It is authorized by a challenge in ask, or by a proof
// of the client.
func (a *agent) enroll(ctx context.Context, c client, ask object) (done signedIn, err error) {
	p, err := a.beginSetUp(ctx, c, ask)
	if err != nil {
		return done, err
	}
	return a.confirm(ctx, c, p)
}

func (a *agent) beginSetUp(ctx context.Context, c client, ask object) (p page, err error) {
	return p, c.post(ctx, factor+"/setup", ask, &p)
}

// confirm shows the QR code and asks for the first code of the new authenticator. It
// prints the secret only this once.
func (a *agent) confirm(ctx context.Context, c client, p page) (done signedIn, err error) {
	a.noteReplaced(p.Clears)
	if err := a.draw(p); err != nil {
		return done, err
	}
	for n := 1; ; n++ {
		given, err := a.ask(ctx, a.text("askNewCode"))
		if err != nil {
			return done, err
		}
		err = c.post(ctx, factor+"/setup/confirm", object{"enrollment": p.Enrollment, "code": given}, &done)
		var e *refusal
		if !errors.As(err, &e) || !e.again() || n == tries || !a.person() {
			if err != nil {
				return done, err
			}
			break
		}
		switch {
		case e.ClockOff != 0:
			a.correct(a.textClock(time.Duration(e.ClockOff) * time.Second))
		case e.Word == "wrong_code":
			a.correct(a.text("tryAgain"))
		case e.Word == "malformed_code": // no recovery code is accepted here
			a.correct(a.text("sixDigits"))
		default:
			_, text := a.explainRefusal(e)
			a.correct(text)
		}
	}
	a.say(a.text("setUp"))
	if len(done.RecoveryCodes) > 0 {
		a.say(a.textRecoveryCodes(done.RecoveryCodes))
	}
	return done, nil
}

// noteReplaced says what a new authenticator ends, and when.
func (a *agent) noteReplaced(names []string) {
	if len(names) == 0 {
		return
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = a.text("quoted", "Name", name)
	}
	a.note(a.text("clears", "Names", strings.Join(quoted, ", ")))
}

// keeps adopts the session of a set-up, and asks the person whether the recovery codes
// are saved. Until they say so, the server counts the codes as lost and the console
// reminds them.
func (a *agent) keeps(ctx context.Context, c client, in signedIn) error {
	if err := a.adopt(ctx, c, in); err != nil {
		return err
	}
	if len(in.RecoveryCodes) > 0 {
		a.methods = []string{"code", "recovery-code"}
	}
	if len(in.RecoveryCodes) == 0 || !a.person() {
		return nil
	}
	for n := 1; ; n++ {
		text, err := a.ask(ctx, a.text("askSaved"))
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if slices.Contains(strings.Fields(a.text("yes")), strings.ToLower(strings.TrimSpace(text))) {
			break
		}
		if err != nil || n == tries {
			a.note(a.text("notSaved"))
			return nil
		}
		a.note(a.text("saveNow"))
	}
	return a.over(c.as(in.Session).post(ctx, factor+"/recovery-codes/saved", nil, nil))
}

// draw shows the key of a new authenticator and then its QR code, so that the code fits a
// small window. A code that is cut off cannot be scanned, so a window that is too small
// shows only the key. The code is made here, and no service sees the secret.
func (a *agent) draw(p page) error {
	key, label, err := totp.ParseURI(p.URI)
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	offer, err := enroll.NewOffer(key, label)
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	colour := a.OutTerminal && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
	picture := strings.TrimSuffix(offer.Terminal(colour), "\n")
	columns := utf8.RuneCountInString(strings.SplitN(offer.Terminal(false), "\n", 2)[0])
	lines := strings.Count(picture, "\n") + 2 // and the question below it
	if a.OutTerminal && a.Size != nil {
		if width, height, err := a.Size(); err == nil && (columns > width || lines > height) {
			a.say(a.text("tooSmall", "Columns", columns, "Lines", lines))
			a.say(a.text("typeKey", "Key", p.Secret, "Until", a.textTime(p.Expires)))
			return nil
		}
	}
	a.say(a.text("scan", "Key", p.Secret, "Until", a.textTime(p.Expires)))
	if !colour { // then the code is light on dark only if the terminal is
		a.say(a.text("inverted"))
	}
	fmt.Fprintln(a.Out, picture)
	return nil
}
