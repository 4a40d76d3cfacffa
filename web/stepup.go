package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/recovery"
)

// A Target is the object of an action.
type Target struct {
	ID   string    // the code is not valid for another one; empty: the action has no target
	Name string    // the name for the page; the default is ID
	At   time.Time // the time at which it was made, for the page, in the person's zone; zero: not shown
}

// A StepUpPage asks for a code before an action. Its form posts to Action with the
// fields totpflow_code and totpflow_back, with totpflow_code2 if Pair is set, and with
// each of Fields, which were in the form that the person sent. If NeedsApp is set there
// is no form: the person has no app to show a code. If Password is set the person has no
// second factor at all, and the form has the field totpflow_password instead of the
// codes.
type StepUpPage struct {
	Common
	Doing    string    // the action in words, such as "Delete backup"
	Target   string    // the name of the action's object; may be empty
	Ends     string    // what the action ends, in words; empty for a host's action, and for one that ends nothing
	At       time.Time // when the object was made; zero: not shown
	Danger   bool      // it takes something away
	Action   string
	Fields   []Field
	Recovery bool   // the person has recovery codes, which are accepted as well
	Pair     bool   // single codes are locked out; two in a row are accepted
	Wait     string // information besides the error, such as why codes are locked out
	NeedsApp bool
	Password bool
	Back     string // the page that "cancel" leads to
}

// A Field is a field of a form.
type Field struct{ Name, Value string }

// own is the prefix of the names of this package's own fields. They do not reach
// the host's handler.
const own = "totpflow_"

// errCodeFirst means that the request carries no code yet. Nothing was refused, and
// nothing was done.
var errCodeFirst = errors.New("web: a code is needed first")

// StepUp lets a request through only with a fresh code of the person's app, or with a
// recovery code, however the person signed in: a session that was left open cannot delete
// a backup. It includes [Web.Require], so it can be used alone for a pattern. A person
// who has no second factor yet is asked for the password instead; a person who has only a
// phone must set up an app first.
//
// The first request of a form is answered with a page that names action and target
// and asks for a code. Its form sends the same fields again, to the same address,
// and next then sees the request as if it were the first one. The server keeps nothing
// meanwhile. Forms with files cannot be sent again: ask before the file is chosen.
//
// A program instead shows a proof for the action in the header [ProofHeader], which it
// gets from the API's reauthenticate; without one the answer has the action and the target
// for which a proof is required, and the target's name, to show to the person.
//
// The action is the host's name for it, such as "delete backup"; catalogues have its name under
// action.delete-backup. The target function returns the object of the action; it sees the request, with its
// session, before the code is checked. Nil: the action has no target. An error of the function is answered
// as by [Web.Fail].
func (h *Web) StepUp(action totpflow.Action, target func(*http.Request) (Target, error)) func(http.Handler) http.Handler {
	h.mu.Lock()
	h.actions[action] = target != nil
	h.mu.Unlock()
	return func(next http.Handler) http.Handler {
		return h.handle(func(w http.ResponseWriter, r *http.Request) error {
			v, err := h.visitor(r)
			if err != nil {
				return err
			}
			r = withSession(r, v)
			var on Target
			if target != nil {
				if on, err = target(r); err != nil {
					return err
				}
			}
			if h.wantsJSON(r) {
				if err := h.consume(r, v, action, on); err != nil {
					return err
				}
				w.Header().Set("Cache-Control", "no-store")
				next.ServeHTTP(w, r)
				return nil
			}
			if passed, err := h.passes(w, r, v, action, on); !passed || err != nil {
				return err
			}
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, r)
			return nil
		})
	}
}

// passes reports whether the request has what the action requires: a code, which is used
// up, or the password of a person who has no second factor. Otherwise it has answered with
// the page that asks for it.
func (h *Web) passes(w http.ResponseWriter, r *http.Request, v visitor, action totpflow.Action, on Target) (bool, error) {
	st, err := v.account.Status(r.Context())
	if err != nil {
		return false, err
	}
	if !st.Enrolled {
		return h.passesByPassword(w, r, v, action, on)
	}
	proof, err := h.prove(w, r, v, action, on)
	if proof == "" || err != nil {
		return false, err
	}
	err = v.account.ConsumeProof(r.Context(), proof, action.On(on.ID))
	return err == nil, err
}

func (h *Web) passesByPassword(w http.ResponseWriter, r *http.Request, v visitor, action totpflow.Action, on Target) (bool, error) {
	if err := readForm(w, r); err != nil {
		return false, err
	}
	if !r.PostForm.Has(own + "password") {
		return false, h.stepUpPage(w, r, v, action, on, errCodeFirst)
	}
	switch err := h.Host.CheckPassword(r.Context(), v.User.ID, r.PostFormValue(own+"password")); {
	case errors.Is(err, ErrPassword):
		return false, h.stepUpPage(w, r, v, action, on, err)
	case err != nil:
		return false, unavailable("checking the password", err)
	}
	withoutOwn(r)
	return true, nil
}

// prove returns a proof of the action by the code that the request carries. Without
// one it has answered with the page that asks for it, and the proof is empty.
func (h *Web) prove(w http.ResponseWriter, r *http.Request, v visitor, action totpflow.Action, on Target) (totpflow.Proof, error) {
	if err := readForm(w, r); err != nil {
		return "", err
	}
	if !r.PostForm.Has(own + "code") {
		return "", h.stepUpPage(w, r, v, action, on, errCodeFirst)
	}
	proof, err := h.verify(r, v, action.On(on.ID))
	if err != nil {
		return "", h.stepUpPage(w, r, v, action, on, err)
	}
	withoutOwn(r)
	return proof, nil
}

// verify picks the check by the form of the code: the forms cannot be mistaken for each
// other, since a recovery code has 16 symbols and an app's at most 8.
func (h *Web) verify(r *http.Request, v visitor, p totpflow.Purpose) (proof totpflow.Proof, err error) {
	code, second := r.PostFormValue(own+"code"), r.PostFormValue(own+"code2")
	if second != "" {
		proof, err = v.account.VerifyPair(r.Context(), p, code, second)
	} else if _, other := recovery.Normalize(code); other == nil {
		proof, err = h.verifyRecoveryCode(r, v, p, code)
	} else {
		proof, err = v.account.VerifyCode(r.Context(), p, code)
	}
	if err == nil {
		noteWrite(r.Context()) // the code is used
	}
	return proof, err
}

// verifyRecoveryCode makes the host store the generation that a used recovery code
// raises.
func (h *Web) verifyRecoveryCode(r *http.Request, v visitor, p totpflow.Purpose, code string) (totpflow.Proof, error) {
	proof, change, err := v.account.VerifyRecoveryCode(r.Context(), p, code)
	if err == nil {
		err = h.keepGeneration(r.Context(), v.User, change.Generation)
	}
	if err != nil {
		return "", err
	}
	return proof, nil
}

// maxFields bounds a form that is sent again, in bytes.
const maxFields = 64 << 10

// readForm reads a form whose fields can be sent again.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.ContentLength != 0 {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return errForm
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxFields)
	}
	if err := r.ParseForm(); err != nil {
		return errors.Join(errForm, err)
	}
	return nil
}

// withoutOwn takes this package's fields out of the request, so that the host's handler
// sees the form that the person sent, even where it reads the body itself.
func withoutOwn(r *http.Request) {
	for _, values := range []url.Values{r.PostForm, r.Form} {
		for name := range values {
			if strings.HasPrefix(name, own) {
				delete(values, name)
			}
		}
	}
	body := r.PostForm.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

// stepUpPage asks for the code, and says what for.
func (h *Web) stepUpPage(w http.ResponseWriter, r *http.Request, v visitor, action totpflow.Action, on Target, refused error) error {
	st, err := v.account.Status(r.Context()) // a refused code may have locked single codes
	if err != nil {
		return err
	}
	l := h.spoken(r)
	p := &StepUpPage{
		Common: Common{Account: nameOf(v.User), Title: l.doing(action)},
		Doing:  l.doing(action), Target: orDefault(on.Name, on.ID), Ends: l.ends(action, st), At: on.At, Action: address(r), Fields: fields(r.PostForm),
		Recovery: hasRecoveryCodes(st), Pair: st.Throttled != nil, NeedsApp: len(st.Authenticators) == 0,
		Password: !st.Enrolled && h.ofHost(action),
		Back:     orDefault(local(r.PostFormValue(own+"back")), orDefault(referrer(r), h.Home)),
		Danger:   !slices.Contains(mild, action),
	}
	if st.Throttled != nil && errors.Is(refused, errCodeFirst) {
		p.Wait = l.wait(st.Throttled, false, h.now())
	}
	if errors.Is(refused, totpflow.ErrAlreadyUsed) { // the same form, sent twice
		p.Wait = l.Say("stepup.twice")
	}
	return h.show(w, r, "stepup", refused, p)
}

// ends says what an action of the library ends, as the page "security" does.
func (l *Language) ends(action totpflow.Action, st totpflow.Status) string {
	switch action {
	case totpflow.ActionReplaceAuthenticator:
		var names []string
		for _, a := range st.Authenticators {
			names = append(names, a.Name)
		}
		return l.Say("stepup.replaces", "Count", len(names), "Names", l.Quoted(names))
	case totpflow.ActionRemoveAuthenticator:
		return l.Say("security.removeHint")
	case totpflow.ActionDisable:
		return l.Say("security.offWhat")
	case totpflow.ActionRemovePhone:
		return l.Say("security.phoneHint")
	case totpflow.ActionRecoveryCodes:
		if st.RecoveryCodes.Left > 0 {
			return l.Say("security.newCodesWhat")
		}
	}
	return ""
}

// ofHost reports whether the action is one of StepUp. The library's own actions require a
// code.
func (h *Web) ofHost(action totpflow.Action) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.actions[action]
	return known
}

// mild are the actions that take nothing away.
var mild = []totpflow.Action{totpflow.ActionAddAuthenticator, totpflow.ActionAddPhone, totpflow.ActionReplaceAuthenticator, totpflow.ActionRecoveryCodes}

// fields returns the fields of the person's form, in a stable order.
func fields(form url.Values) (all []Field) {
	for name, values := range form {
		if strings.HasPrefix(name, own) {
			continue
		}
		for _, value := range values {
			all = append(all, Field{name, value})
		}
	}
	slices.SortStableFunc(all, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return all
}
