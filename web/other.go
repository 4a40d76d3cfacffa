package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
)

// An OtherAccount is another account of the same person, on the security page.
type OtherAccount struct {
	Name     string
	Key      string // names it in the form
	Enrolled bool
}

// An OtherPage asks for the password of another account of the person, which is enrolled
// by its own sign-in. Its form posts to path "security/other" with the fields account and
// password.
type OtherPage struct {
	Common
	Key   string
	Later string // the page that "not now" leads to
}

// others returns the person's other accounts, as the host knows them.
func (h *Web) others(ctx context.Context, v visitor) (users []totpflow.User, err error) {
	if h.Accounts == nil {
		return nil, nil
	}
	all, err := h.Accounts(ctx, v.User.ID)
	if err != nil {
		return nil, unavailable("listing the person's accounts", err)
	}
	for _, u := range all {
		if u.ID != v.User.ID {
			users = append(users, u)
		}
	}
	return users, nil
}

// otherAccounts returns the person's other accounts with their state, for the security page.
// An account that cannot be read is left out and logged: a lost record at one product must
// not close the page on which a thief's browser is revoked at another.
func (h *Web) otherAccounts(ctx context.Context, v visitor) (accounts []OtherAccount, err error) {
	users, err := h.others(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		st, err := h.service.Account(u).Status(ctx)
		switch {
		case ctx.Err() != nil: // a browser that has gone away is not a fault
			return nil, ctx.Err()
		case err != nil:
			h.Log.ErrorContext(ctx, "web: another account of the person was not read", "tenant", u.ID.Tenant, "user", u.ID.User, "error", err)
			continue
		}
		accounts = append(accounts, OtherAccount{nameOf(u), accountHash(u.ID), st.Enrolled})
	}
	return accounts, nil
}

// postOther leads to the enrollment of another account. Its own password is needed, and
// this session ends: a session of one account is not a proof for another.
func (h *Web) postOther(w http.ResponseWriter, r *http.Request, v visitor) error {
	users, err := h.others(r.Context(), v)
	if err != nil {
		return err
	}
	key := r.PostFormValue("account")
	for _, u := range users {
		if accountHash(u.ID) != key {
			continue
		}
		page := &OtherPage{Common{Account: nameOf(u)}, key, h.Path("security")}
		if !r.PostForm.Has("password") {
			return h.show(w, r, "other", nil, page)
		}
		switch err := h.Host.CheckPassword(r.Context(), u.ID, r.PostFormValue("password")); {
		case errors.Is(err, ErrPassword):
			return h.show(w, r, "other", err, page)
		case err != nil:
			return unavailable("checking the password", err)
		}
		r.Form.Set("next", h.Path("setup"))
		return h.afterPassword(w, r, u)
	}
	return errNotFound // another person's, or none
}
