package adminweb

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/web"
)

// A ConfirmPage names the change, and asks for a code. Its form posts to To with every
// field that the person sent, so that they are kept after a wrong code. If NoCode is set,
// a window permits the change, or it takes nothing away, and the button is enough.
type ConfirmPage struct {
	Frame
	web.CodeField
	Doing   string // heading and button: action, scope and target
	Details []string
	Terms   []Term
	Request *RequestRow // that is answered; nil for other changes
	Danger  bool
	NoCode  bool
	To      string
	Fields  []web.Field
	Back    string
}

// A confirmation is a change that is about to happen.
type confirmation struct {
	action  totpflow.Action
	target  totpflow.AccountID
	purpose totpflow.Purpose // the purpose of the proof
	doing   string
	title   string // where it differs: browsers keep the titles of pages in their history
	details []string
	terms   []Term
	request *RequestRow
	mild    bool // it takes nothing away
	free    bool // it needs no code
	again   bool // it is shown once more, whatever was typed
	partial bool // some of the people who were chosen are left out
	back    string
}

// The confirmation page's own fields.
const (
	confirmField = "totpflow_confirm"
	setField     = "set"    // a digest of the people that the page has named
	partlyField  = "partly" // the filter did not cover the whole list
)

// confirm returns the administrator with permission for the change, by the code of the
// form or by the window. Without permission it answers with the page that asks, and
// returns false.
func (p *Pages) confirm(w http.ResponseWriter, r *http.Request, v visitor, c confirmation) (admin.Administrator, bool, error) {
	free := c.free || v.rest.Permits(c.action, c.target) && c.purpose == admin.Purpose(c.action, c.target)
	switch {
	case c.again:
	case free && r.PostForm.Has(confirmField):
		return v.by, true, nil
	case !free && web.HasCode(r):
		proof, err := p.section.Verify(r, v.Session, c.purpose)
		if err == nil {
			return admin.Administrator{User: v.User, Proof: proof}, true, nil
		}
		if errors.Is(err, totpflow.ErrNotEnrolled) { // the page says what is needed
			err = nil
		}
		return admin.Administrator{}, false, p.confirmPage(w, r, v, c, free, err)
	}
	return admin.Administrator{}, false, p.confirmPage(w, r, v, c, free, nil)
}

func (p *Pages) confirmPage(w http.ResponseWriter, r *http.Request, v visitor, c confirmation, free bool, refused error) error {
	page := &ConfirmPage{
		Doing: c.doing, Details: c.details, Terms: c.terms, Request: c.request, Danger: !c.mild, NoCode: free, To: r.URL.Path, Fields: web.Fields(r), Back: c.back,
	}
	var err error
	if !free {
		if page.CodeField, err = p.section.CodeField(r, v.Session, refused); err != nil {
			return err
		}
	}
	if page.Frame, err = p.frameOf(r, v, page.NeedsApp); err != nil {
		return err
	}
	page.Title = cmp.Or(c.title, c.doing)
	return p.section.Show(w, r, "admin-confirm", refused, page)
}

// named reports whether the confirmation page has named exactly these people, and makes
// the next one name them: a list that was chosen by a filter may have changed since.
func named(r *http.Request, people []Person) bool {
	var ids []string
	for _, one := range people {
		ids = append(ids, personKey(one.ID))
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, " ")))
	digest := base64.RawURLEncoding.EncodeToString(sum[:])
	same := r.PostForm.Get(setField) == digest
	r.PostForm.Set(setField, digest)
	return same
}

// personKey returns an account in a field of a form.
func personKey(id totpflow.AccountID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(id.Tenant)) + "." + base64.RawURLEncoding.EncodeToString([]byte(id.User))
}

var errKey = errors.New("adminweb: not an account")

func parseKey(key string) (id totpflow.AccountID, err error) {
	tenant, user, ok := strings.Cut(key, ".")
	t, err1 := base64.RawURLEncoding.DecodeString(tenant)
	u, err2 := base64.RawURLEncoding.DecodeString(user)
	if !ok || err1 != nil || err2 != nil || len(u) == 0 {
		return id, errKey
	}
	return totpflow.AccountID{Tenant: string(t), User: string(u)}, nil
}

// looks returns the administrator for calls that only read.
func (v visitor) looks() admin.Administrator { return admin.Administrator{User: v.User} }
