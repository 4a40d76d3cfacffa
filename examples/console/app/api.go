package app

import (
	"net/http"

	"github.com/totpflow/totpflow/web"
)

// Errors that only programs get, in addition to those of web.
var (
	errSignedOut   = &web.APIError{Status: http.StatusUnauthorized, Word: "signed_out"}
	errLocked      = &web.APIError{Status: http.StatusUnauthorized, Word: "locked"}    // the app of this session is locked
	errMachineKey  = &web.APIError{Status: http.StatusUnauthorized, Word: "wrong_key"} // wrong or ended
	errTooLate     = &web.APIError{Status: http.StatusForbidden, Word: "too_late"}     // too long after the sign-in
	errNotAMachine = &web.APIError{Status: http.StatusForbidden, Word: "not_a_machine"}
	errNotAllowed  = &web.APIError{Status: http.StatusForbidden, Word: "not_allowed"}
	errQuota       = &web.APIError{Status: http.StatusConflict, Word: "too_many_backups"}
	errMalformed   = &web.APIError{Status: http.StatusBadRequest, Word: "malformed"}
)

// apiSignIn is the first step. The rest is the work of web, which answers in JSON. An app
// that is locked sends its device in place of the e-mail address.
func (c *console) apiSignIn(w http.ResponseWriter, r *http.Request) error {
	in, err := web.ReadJSON[struct {
		Email        string `json:"email"`
		Device       string `json:"device"`
		Password     string `json:"password"`
		Organisation string `json:"organisation"` // its id, for people with accounts in several
	}](r)
	if err != nil {
		return err
	}
	only := func(u user) bool { return in.Organisation == "" || u.Tenant.ID == in.Organisation }
	if in.Device != "" {
		of, err := c.ofDevice(r, in.Device)
		if err != nil {
			return err
		}
		in.Email, only = of.Email, func(u user) bool { return u.ID == of.ID }
	}
	all, err := c.users.authenticate(r.Context(), in.Email, in.Password)
	if err != nil {
		return err
	}
	var mine []user
	var which []tenant // the choice of a person with several accounts
	for _, u := range all {
		which = append(which, u.Tenant)
		if only(u) {
			mine = append(mine, u)
		}
	}
	if len(mine) != 1 {
		return &web.APIError{Status: http.StatusForbidden, Word: "organisation_required", Fields: map[string]any{"organisations": which}}
	}
	return c.passwordRight(w, r, mine[0])
}

// apiProfile returns what a program shows of a person, apart from the second factor.
func (c *console) apiProfile(r *http.Request, _ struct{}) (any, error) {
	u, err := c.person(r)
	return map[string]string{"email": u.Email, "name": u.Name, "organisation": u.Organisation(), "role": u.Role.String()}, err
}
