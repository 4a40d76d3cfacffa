package app

import (
	"errors"
	"net/http"
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totphttp"
)

// An authenticatorRow is one authenticator on the security page.
type authenticatorRow struct {
	totpflow.Authenticator
	Remove codeForm
	Only   bool // the last one goes by replacing or turning off
}

// Rows lists the authenticators, with the form that removes each.
func (p securityPage) Rows(message string) []authenticatorRow {
	var rows []authenticatorRow
	for _, a := range p.Authenticators {
		rows = append(rows, authenticatorRow{a, p.Form("remove-"+a.ID, message), len(p.Authenticators) == 1})
	}
	return rows
}

// Full reports that no further authenticator can be added.
func (p securityPage) Full() bool { return len(p.Authenticators) >= enroll.MaxAuthenticators }

// MaxName is the longest name of an authenticator.
func (p securityPage) MaxName() int { return enroll.MaxName }

// Names are those of the authenticators.
func (p securityPage) Names() []string {
	var names []string
	for _, a := range p.Authenticators {
		names = append(names, a.Name)
	}
	return names
}

// postAdd leads to the enrollment page of an authenticator that stands beside the
// others.
func (c *console) postAdd(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if len(v.Authenticators) >= enroll.MaxAuthenticators { // before a code is spent on it
		return c.securityPage(w, r, v, "", enroll.ErrTooManyAuthenticators)
	}
	proof, err := v.reauthenticate(r, totpflow.ActionAddAuthenticator.On(""))
	if err != nil {
		return c.securityPage(w, r, v, "add", err)
	}
	totphttp.ClearEnrollment(w)
	c.sessions.keepProof(r.Context(), proof, c.now())
	return redirect(w, r, "/setup")
}

// postRename takes no code: a name lets nobody in.
func (c *console) postRename(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := v.factor.RenameAuthenticator(r.Context(), r.PathValue("id"), r.PostFormValue("name")); err != nil {
		return c.securityPage(w, r, v, "", err)
	}
	setNotice(w, "renamed")
	return redirect(w, r, "/security")
}

// postRemove ends one authenticator of several.
func (c *console) postRemove(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := r.PathValue("id")
	switch { // before a code is spent on it
	case !has(v.Authenticators, id):
		return c.securityPage(w, r, v, "", enroll.ErrUnknown)
	case len(v.Authenticators) == 1:
		return c.securityPage(w, r, v, "", enroll.ErrLast)
	}
	proof, err := v.reauthenticate(r, totpflow.ActionRemoveAuthenticator.On(id))
	if err != nil {
		return c.securityPage(w, r, v, "remove-"+id, err)
	}
	change, err := v.factor.RemoveAuthenticator(r.Context(), proof, id)
	if err != nil {
		return c.securityPage(w, r, v, "", err)
	}
	setNotice(w, "removed")
	if err := c.goOn(r, change, v.By); err != nil {
		return err
	}
	return redirect(w, r, "/security")
}

func has(list []totpflow.Authenticator, id string) bool {
	return slices.ContainsFunc(list, func(a totpflow.Authenticator) bool { return a.ID == id })
}

// ofAuthenticators is the text for why an authenticator could not be added, renamed or
// removed; empty for any other error.
func ofAuthenticators(err error) string {
	switch {
	case errors.Is(err, enroll.ErrTooManyAuthenticators):
		return "error.limit"
	case errors.Is(err, enroll.ErrLast):
		return "error.last"
	case errors.Is(err, enroll.ErrUnknown):
		return "error.unknown"
	}
	return ""
}
