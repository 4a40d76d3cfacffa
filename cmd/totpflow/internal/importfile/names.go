package importfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/totpflow/totpflow/store"
)

// Why a list of names is refused.
var (
	ErrNames    = errors.New("a list of names is CSV whose first line names the columns user and name, and where there are several customers tenant")
	ErrTwoNames = errors.New("an account has two names")
)

// Names are the names of a product's people, by account. Nil has none.
type Names struct {
	of       map[store.AccountID]string
	withheld int
}

// ReadNames reads a list of names: CSV with the columns user and name, and tenant where there
// are several. Without a column tenant the ids are those of the given tenant. Other columns
// do not count. A list with a column of secrets is refused, and one whose names look like
// secrets: they would be printed. If a few do, they are left out ([Names.Withheld]). The
// errors are [ErrNames], [ErrTwoNames], [ErrSecrets], [ErrText], [ErrLong], and that of r.
func ReadNames(r io.Reader, of string) (*Names, error) {
	n := &Names{of: make(map[store.AccountID]string)}
	doubts := doubt{}
	err := readList(r, ErrNames, func(line int, c cells) error {
		id, called := store.AccountID{Tenant: of, User: c[user]}, strings.TrimSpace(c[name])
		if t, found := c[tenant]; found {
			id.Tenant = t
		}
		form := formOfPerson(called)
		doubts.count(called, form)
		if form != "" || called == "" {
			return nil
		}
		if other, found := n.of[id]; found && other != called {
			return fmt.Errorf("%w: line %d gives a name that differs from an earlier one", ErrTwoNames, line)
		}
		n.of[id] = called
		return nil
	}, user, name)
	switch {
	case err != nil:
		return nil, err
	case doubts.reasonable():
		return nil, fmt.Errorf("%w: the name column, in %d of %d lines (like %s). Are two headings exchanged?", ErrSecrets, doubts.like, doubts.all, doubts.form)
	}
	n.withheld = doubts.like
	return n, nil
}

// behind finds the address behind a name, as mails have it.
var behind = regexp.MustCompile(`^(.*)<([^<>\s]+)>$`)

// formOfPerson is formOfName for a person, whose name may have the address behind it.
func formOfPerson(s string) string {
	if m := behind.FindStringSubmatch(s); m != nil && address.MatchString(m[2]) {
		return cmp.Or(formOfName(m[1]), formOf(m[2]))
	}
	return formOfName(s)
}

// Of returns the name of an account, or "".
func (n *Names) Of(id store.AccountID) string {
	if n == nil {
		return ""
	}
	return n.of[id]
}

// Withheld returns the number of names that look like secrets, and are not returned.
func (n *Names) Withheld() int { return n.withheld }
