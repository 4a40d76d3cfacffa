package adminweb

import (
	"cmp"
	"context"
	"slices"
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
	return q.Among(m.people), nil
}
