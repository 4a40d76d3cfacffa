package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// setUp binds a new authenticator. A person who has none yet shows the password. A person
// who has one shows its code, and the new one takes its place.
func (a *agent) setUp(ctx context.Context, _ []string) error {
	c, err := a.session(ctx)
	if err != nil {
		return err
	}
	var me struct {
		SecondFactor string `json:"second_factor"`
	}
	ask := object{}
	if err := c.get(ctx, factor+"/account", &me); err != nil {
		return a.over(err)
	}
	if me.SecondFactor == "active" || me.SecondFactor == "replacing" {
		a.note(a.text("replacing"))
		proof, err := a.prove(ctx, c, &refusal{Action: "replace authenticator"})
		if err != nil {
			return err
		}
		c = c.proved(proof)
	} else if ask["password"], err = a.secret(ctx, a.text("askPasswordAgain")); err != nil {
		return err
	}
	done, err := a.enroll(ctx, c, ask)
	if err != nil {
		return err
	}
	return a.adopt(ctx, c, done)
}

// enroll shows the QR code and takes the first code of the new authenticator.
// It prints the secret only this once.
func (a *agent) enroll(ctx context.Context, c client, ask object) (done signedIn, err error) {
	var page struct {
		Enrollment, URI, Secret string
		Expires                 time.Time
		Clears                  []string
	}
	if err := c.post(ctx, factor+"/setup", ask, &page); err != nil {
		return done, err
	}
	if len(page.Clears) > 0 {
		a.note(a.text("clears", "Names", strings.Join(page.Clears, ", ")))
	}
	a.say(a.text("scan", "Key", page.Secret, "Until", textTime(page.Expires)))
	if err := a.draw(page.URI); err != nil { // last, so that it fits a small window
		return done, err
	}
	for n := 1; ; n++ {
		given, err := a.ask(ctx, a.text("askNewCode"))
		if err != nil {
			return done, err
		}
		err = c.post(ctx, factor+"/setup/confirm", object{"enrollment": page.Enrollment, "code": given}, &done)
		var e *refusal
		if !errors.As(err, &e) || !e.again() || n == tries || !a.person() {
			if err != nil {
				return done, err
			}
			break
		}
		if e.ClockOff != 0 {
			a.note(a.textClock(time.Duration(e.ClockOff) * time.Second))
		} else {
			a.note(a.text("tryAgain"))
		}
	}
	a.say(a.text("setUp"))
	if len(done.RecoveryCodes) > 0 {
		a.say(a.textRecoveryCodes(done.RecoveryCodes))
	}
	return done, nil
}

// draw shows the QR code of a URI. It is made here: no service sees the secret.
func (a *agent) draw(uri string) error {
	key, label, err := totp.ParseURI(uri)
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	offer, err := enroll.NewOffer(key, label)
	if err != nil {
		return errors.Join(errAnswer, err)
	}
	colour := a.OutTerminal && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
	a.say(strings.TrimSuffix(offer.Terminal(colour), "\n"))
	return nil
}
