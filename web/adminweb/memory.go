package adminweb

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/totpflow/totpflow"
)

// Memory is a [Directory] in memory, for tests and examples. The zero Memory is empty. It is
// safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	people  []Person
	tenants map[totpflow.AccountID][]Tenant
}

var _ Directory = (*Memory)(nil)

// Add adds a person.
func (m *Memory) Add(p Person) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.people = append(m.people, p)
	slices.SortStableFunc(m.people, func(a, b Person) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID.Tenant, b.ID.Tenant), strings.Compare(a.ID.User, b.ID.User))
	})
}

// Remove removes a person.
func (m *Memory) Remove(id totpflow.AccountID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.people = slices.DeleteFunc(m.people, func(p Person) bool { return p.ID == id })
	delete(m.tenants, id)
}

// Appoint makes a person administer these tenants, and no others.
func (m *Memory) Appoint(id totpflow.AccountID, tenants ...Tenant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tenants == nil {
		m.tenants = map[totpflow.AccountID][]Tenant{}
	}
	m.tenants[id] = tenants
}

// Tenants implements [Directory].
func (m *Memory) Tenants(_ context.Context, u totpflow.User) ([]Tenant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.tenants[u.ID]), nil
}

// Person implements [Directory].
func (m *Memory) Person(_ context.Context, id totpflow.AccountID) (Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.people, func(p Person) bool { return p.ID == id }); i >= 0 {
		return m.people[i], nil
	}
	return Person{}, ErrNoPerson
}

// People implements [Directory].
func (m *Memory) People(_ context.Context, q Query) (People, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Person
	for _, p := range m.people {
		text := strings.ToLower(p.Name + "\n" + p.Address)
		if slices.Contains(q.Tenants, p.ID.Tenant) && strings.Contains(text, strings.ToLower(q.Search)) {
			found = append(found, p)
		}
	}
	page := People{Total: len(found)}
	at, _ := strconv.Atoi(q.Cursor) // anything else begins at the start
	at = min(max(0, at), len(found))
	end := min(at+max(0, q.Limit), len(found))
	page.People = found[at:end]
	if end < len(found) {
		page.Next = strconv.Itoa(end)
	}
	return page, nil
}
