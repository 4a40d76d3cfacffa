package adminweb

import (
	"context"
	"sync"
	"time"

	"github.com/totpflow/totpflow/event"
)

// Races counts the races that calls of this process have lost: another writer changed the
// account first, so that the call decided again. The zero Races is ready. It is safe for
// concurrent use.
//
//	var races adminweb.Races
//	totpflow.Config{Flows: &races, …}
type Races struct {
	mu    sync.Mutex
	hours [hoursOfADay]hourOfRaces // the races of each hour, at its number modulo the length
}

const hoursOfADay = 24

type hourOfRaces struct {
	hour int64 // since 1970
	lost int
}

// ObserveFlow implements [event.FlowObserver].
func (r *Races) ObserveFlow(_ context.Context, f event.Flow) {
	if f.Lost == 0 {
		return
	}
	hour := f.Began.Unix() / 3600
	r.mu.Lock()
	defer r.mu.Unlock()
	in := &r.hours[hour%hoursOfADay]
	if in.hour != hour {
		*in = hourOfRaces{hour: hour}
	}
	in.lost += f.Lost
}

// Lost returns how many were lost in the 24 hours before now. It is for [Config].LostRaces.
func (r *Races) Lost(now time.Time) (lost int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, in := range r.hours {
		if age := now.Unix()/3600 - in.hour; 0 <= age && age < hoursOfADay {
			lost += in.lost
		}
	}
	return lost
}
