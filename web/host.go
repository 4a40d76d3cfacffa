package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
)

// ErrPassword is the error of [Host.CheckPassword] for a wrong password, and for an
// account that does not exist.
var ErrPassword = errors.New("web: wrong password")

// A Host is the product that mounts these pages: it has the accounts, the
// passwords and the sessions. Package hosttest tests an implementation. The
// methods are called from several goroutines at once.
type Host interface {
	// Session returns the session of the person who is signed in, as Begin kept it,
	// and the zero Session if nobody is. It does not decide whether the session is
	// still valid: web asks the service. An error refuses the request.
	Session(r *http.Request) (Session, error)

	// Begin ends the request's session, if there is one, and starts one under a new
	// token for the decision's ID, with its mark. It carries nothing over from the
	// earlier session: a token that somebody planted in the browser, or copied from it,
	// must be invalid afterwards. An error refuses the sign-in.
	Begin(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error

	// End ends the request's session on the server, so that a copy of its cookie is
	// invalid, even if another request of that session is under way.
	End(w http.ResponseWriter, r *http.Request) error

	// CheckPassword returns nil for the account's password, ErrPassword for a wrong
	// one and for an account that does not exist, and any other error if it cannot
	// decide, which refuses the request. The host limits guesses.
	CheckPassword(ctx context.Context, id totpflow.AccountID, password string) error
}

// A Session is the host's record of a sign-in.
type Session struct {
	// User is the person who is signed in: the ID of the decision that the session began
	// with, and from the host's records the name and, if it stores one, the generation.
	User totpflow.User

	// Mark is the decision's mark. A session without one has ended.
	Mark totpflow.SessionMark

	// Reason is the decision's reason, if the host stores it. A session that continues
	// after a change of factors keeps it.
	Reason totpflow.Reason
}

// IsZero reports whether nobody is signed in.
func (s Session) IsZero() bool { return s.User.ID == (totpflow.AccountID{}) }
