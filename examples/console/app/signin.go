package app

import (
	"errors"
	"net/http"
	"slices"

	"github.com/totpflow/totpflow/web"
)

func (c *console) getSignIn(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := c.signedIn(r); err == nil {
		return redirect(w, r, "/")
	}
	return c.show(w, r, http.StatusOK, "signin", view{})
}

// postSignIn checks the password, and leaves the rest to web. A person with several
// accounts names the one that they want; before the password is right, nobody learns that
// there are several.
func (c *console) postSignIn(w http.ResponseWriter, r *http.Request) error {
	mine, err := c.users.authenticate(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
	switch {
	case errors.Is(err, web.ErrPassword): // the page does not say which of the two was wrong
		return c.show(w, r, http.StatusUnauthorized, "signin", view{Error: spoken(r.Context()).Say("error.password"), Data: r.PostFormValue("email")})
	case err != nil:
		return err
	case len(mine) == 1:
		return c.passwordRight(w, r, mine[0])
	}
	if err := c.beginInBrowser(w, r, session{User: mine[0].ID, Began: c.now(), By: reasonChoosing}, choiceAge); err != nil {
		return err
	}
	return redirect(w, r, "/organisation")
}

// passwordRight is the last step of the sign-in. Mails that it causes are in the language
// of the page.
func (c *console) passwordRight(w http.ResponseWriter, r *http.Request, u user) error {
	if err := c.keepLanguage(r, u); err != nil {
		return err
	}
	c.web.AfterPassword(w, r, u.account())
	return nil
}

// mine returns the accounts of a person who has not chosen one yet, and none for anyone
// else.
func (c *console) mine(r *http.Request) ([]user, error) {
	s, err := c.sessionOf(r)
	switch {
	case errors.Is(err, errSignedOut), err == nil && s.By != reasonChoosing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	u, err := c.users.byID(r.Context(), s.User)
	if err != nil {
		return nil, err
	}
	return c.users.ofPerson(r.Context(), u.Person)
}

func (c *console) getOrganisation(w http.ResponseWriter, r *http.Request) error {
	mine, err := c.mine(r)
	switch {
	case err != nil:
		return err
	case len(mine) == 0:
		return redirect(w, r, "/signin")
	}
	return c.show(w, r, http.StatusOK, "organisation", view{Data: mine})
}

// postOrganisation continues with one of the person's own accounts, and with no other.
func (c *console) postOrganisation(w http.ResponseWriter, r *http.Request) error {
	mine, err := c.mine(r)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(mine, func(u user) bool { return u.ID == r.PostFormValue("account") })
	if i < 0 {
		return redirect(w, r, "/organisation")
	}
	return c.passwordRight(w, r, mine[i])
}
