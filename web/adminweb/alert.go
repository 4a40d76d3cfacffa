package adminweb

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
)

// An Alert is a burst of wrong codes after right passwords on many accounts, which
// event.SprayDetector has found. Assume that the passwords of the accounts are known.
type Alert struct {
	At       time.Time
	Guesses  int
	Accounts []totpflow.AccountID
}

// maxAlerts is how many alerts [Alerts] keeps: a long burst must not fill the memory.
const maxAlerts = 20

// Alerts keeps the alerts of this process's spray detector in memory. The zero Alerts is
// ready. It is safe for concurrent use.
//
//	var alerts adminweb.Alerts
//	detector := &event.SprayDetector{Alarm: alerts.Alarm}
type Alerts struct {
	mu  sync.Mutex
	all []Alert
}

// Alarm keeps an alert. It is for the field of that name in event.SprayDetector.
func (a *Alerts) Alarm(_ context.Context, guesses []event.Event) {
	one := Alert{Guesses: len(guesses)}
	for _, e := range guesses {
		id := totpflow.AccountID{Tenant: e.Tenant, User: e.User}
		if !slices.Contains(one.Accounts, id) {
			one.Accounts = append(one.Accounts, id)
		}
		one.At = e.At
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = slices.Insert(a.all, 0, one)
	a.all = a.all[:min(len(a.all), maxAlerts)]
}

// Recent returns the alerts, newest first. It is for [Config].Alerts.
func (a *Alerts) Recent(context.Context) ([]Alert, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all), nil
}

// An alertRow is an alert as an administrator sees it: with the accounts in their
// tenants.
type alertRow struct {
	Alert
	People []Person
	More   int // accounts that are not named
}

// alerts returns the alerts of the last day that concern the visitor's tenants.
func (p *Pages) alerts(ctx context.Context, v visitor) (rows []alertRow, err error) {
	if p.Alerts == nil {
		return nil, nil
	}
	all, err := p.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if p.now().Sub(a.At) > 24*time.Hour {
			continue
		}
		row := alertRow{Alert: a}
		for _, id := range a.Accounts {
			if _, ok := v.tenant(id.Tenant); !ok {
				continue
			}
			them, err := p.Directory.Person(ctx, id)
			if err != nil || len(row.People) == 5 {
				row.More++
				continue
			}
			row.People = append(row.People, them)
		}
		if len(row.People)+row.More > 0 {
			rows = append(rows, row)
		}
	}
	return rows[:min(len(rows), 3)], nil
}
