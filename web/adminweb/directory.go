package adminweb

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/totpflow/totpflow"
)

// A Directory is the host's list of tenants and people. Its methods are called from
// several goroutines at once, and at each request: a person who was an administrator a
// minute ago may have lost that role.
type Directory interface {
	// Tenants returns the tenants that a person administers, their own first. For a person
	// who is not an administrator it returns none. The library also requires each of them
	// to be the person's own tenant or below it.
	Tenants(ctx context.Context, administrator totpflow.User) ([]Tenant, error)

	// People returns a page of the people that a query asks for, in an order that does
	// not change from one page to the next.
	People(ctx context.Context, q Query) (People, error)

	// Person returns the person of an account, and [ErrNoPerson] for none.
	Person(ctx context.Context, id totpflow.AccountID) (Person, error)
}

// ErrNoPerson is the error of [Directory].Person for an account that does not exist.
var ErrNoPerson = errors.New("adminweb: there is no such person")

// A Tenant is an organisation, by the ID that its accounts have as Tenant.
type Tenant struct{ ID, Name string }

// A Person is a user of the host.
type Person struct {
	ID      totpflow.AccountID
	Name    string // such as "Mika Berg"
	Address string // the address of their mail, which the person signs in with
	Role    string // the role in words; may be empty
}

// label returns the name of a person as buttons show it.
func (p Person) label() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Address
}

// A Query asks for people.
type Query struct {
	Tenants []string // the tenants to search
	Search  string   // a part of name or address, in any case; empty: everybody
	Cursor  string   // where the page begins, as [People].Next; empty: at the start
	Limit   int      // how many at most; 0: only how many there are
}

// Among returns the page of a query for a [Directory] that has all people at hand, in
// their order.
func (q Query) Among(all []Person) People {
	var found []Person
	for _, p := range all {
		text := strings.ToLower(p.Name + "\n" + p.Address)
		if slices.Contains(q.Tenants, p.ID.Tenant) && strings.Contains(text, strings.ToLower(q.Search)) {
			found = append(found, p)
		}
	}
	page := People{Total: len(found)}
	at, _ := strconv.Atoi(q.Cursor) // anything else begins at the start
	at = min(max(0, at), len(found))
	end := at + min(max(0, q.Limit), len(found)-at)
	page.People = found[at:end]
	if end < len(found) {
		page.Next = strconv.Itoa(end)
	}
	return page
}

// People is a page of a query.
type People struct {
	People []Person
	Next   string // the cursor of the next page; empty at the end
	Total  int    // how many people match the query on all pages
}
