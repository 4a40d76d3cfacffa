package web

import (
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
)

// An EndedPage says that a sign-in or a session has ended, or that a form was not
// processed because nobody is signed in. One click leads to the password, and from
// there to the page that the person wanted.
type EndedPage struct {
	Common
	Text   string
	SignIn string // the host's sign-in
	Done   string // the page on which to check whether it is done already; may be empty
}

// A ProblemPage reports in Error that a request failed.
type ProblemPage struct {
	Common
	Home string
}

// A DisownPage is the page behind the "it was not me" link of a mail. Its form posts to
// path "not-me" with the field event. Where Closed is set the account is closed, by this
// link or before, and there is no form.
type DisownPage struct {
	Common
	Event  string      // the token of the link
	Change event.Event // what the mail was about; zero where the link is not valid
	Closed bool
}

// endedPage explains why the sign-in or the session has ended.
func (h *Web) endedPage(w http.ResponseWriter, r *http.Request, why string) error {
	l := h.spoken(r)
	p := &EndedPage{
		Common: Common{Title: l.Say("ended." + why + "Title"), Account: h.text(r, whoCookie)},
		Text:   l.Say("ended." + why), SignIn: h.SignIn,
	}
	if why == "expired" || why == "done" {
		p.Done = h.next(r)
	}
	return h.showAs(w, r, http.StatusUnauthorized, "ended", nil, p)
}

// getNotMe only shows a button: programs that scan mails open every link in them.
func (h *Web) getNotMe(w http.ResponseWriter, r *http.Request) error {
	p := &DisownPage{Event: r.FormValue("event")}
	var err error
	if p.Change, err = h.service.Disowned(totpflow.DisownToken(p.Event)); err != nil {
		return h.show(w, r, "not-me", err, p)
	}
	id := totpflow.AccountID{Tenant: p.Change.Tenant, User: p.Change.User}
	st, err := h.service.Account(totpflow.User{ID: id}).Status(r.Context())
	if err != nil { // the button closes the account nevertheless
		h.Log.ErrorContext(r.Context(), "web: an account to close was not read", "error", err)
	}
	p.Closed = !st.Frozen.IsZero()
	if h.AccountName != nil {
		if p.Account, err = h.AccountName(r.Context(), id); err != nil { // closing must not depend on it
			p.Account = ""
			h.Log.ErrorContext(r.Context(), "web: an account was not named", "error", err)
		}
	}
	return h.show(w, r, "not-me", nil, p)
}

// postNotMe closes the account that the mail was about. It requires no session: an
// attacker who changed the account may have locked its owner out.
func (h *Web) postNotMe(w http.ResponseWriter, r *http.Request) error {
	change, err := h.service.Disown(r.Context(), totpflow.DisownToken(r.PostFormValue("event")))
	if err == nil {
		err = h.keepGeneration(r.Context(), totpflow.User{ID: change.ID}, change.Generation)
	}
	if err != nil && !errors.Is(err, totpflow.ErrDisownToken) {
		return err
	}
	return h.show(w, r, "not-me", err, &DisownPage{Event: r.PostFormValue("event"), Closed: err == nil})
}

// Fail answers a failed request with a page, and with the status of the error: 404 for
// [ErrNotFound], those of totphttp for the errors of the library, and 500 for anything
// else, which is logged.
func (h *Web) Fail(w http.ResponseWriter, r *http.Request, err error) { h.fail(w, r, err) }

// ErrNotFound is the error of a target function if nothing has that id.
var ErrNotFound = errNotFound
