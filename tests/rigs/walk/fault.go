package walk

import (
	"errors"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

func (w *walker) clockMoves() {
	jumps := []time.Duration{time.Second, 10 * time.Second, 30 * time.Second, 30 * time.Second, time.Minute, -time.Second, -20 * time.Second}
	if w.next(6) == 0 {
		jumps = []time.Duration{
			-time.Minute, 4 * time.Minute, 4 * time.Minute, 9 * time.Minute, -10 * time.Minute, 20 * time.Minute, 20 * time.Minute,
			-20 * time.Minute, time.Hour, time.Hour, -time.Hour, 25 * time.Hour, 29 * 24 * time.Hour,
		}
	}
	w.jump(jumps[w.next(len(jumps))])
}

// jump also marks as in doubt what a clock ahead may have ended for good.
func (w *walker) jump(jump time.Duration) {
	w.clock.Advance(jump)
	w.recall("clock: %v", jump)
	doubt := func(m *mark, life time.Duration) {
		age := w.now().Sub(m.at)
		m.doubt = m.doubt || age >= life || age < -30*time.Second
	}
	// One used ticket from the future ends all tickets of its account: others from the
	// same time may exist.
	ahead := make(map[int]bool)
	for _, t := range w.tickets {
		ahead[t.user] = ahead[t.user] || t.at.After(w.now())
	}
	for _, o := range w.offers {
		ahead[o.user] = ahead[o.user] || o.at.After(w.now()) || o.began.at.After(w.now())
	}
	for _, t := range w.tickets {
		doubt(&t.mark, enroll.CandidateLifetime)
		t.doubt = t.doubt || ahead[t.user]
	}
	for _, o := range w.offers {
		doubt(&o.mark, enroll.CandidateLifetime)
		doubt(&o.began, enroll.CandidateLifetime)
		o.doubt = o.doubt || ahead[o.user]
	}
	for _, m := range w.people {
		for _, b := range m.browsers {
			doubt(&b.mark, trust.MaxAge)
		}
		for _, k := range m.state.kept {
			doubt(&k.mark, enroll.RecoverableLifetime)
		}
		doubt(&m.state.resetAt, 24*time.Hour)
		doubt(&m.state.ended, 100*365*24*time.Hour)
		if i := m.state.issued; i != nil {
			doubt(&i.mark, 24*time.Hour)
		}
	}
}

// storeFails makes both connections fail from now on, or heals them.
func (w *walker) storeFails() {
	faults := []totptest.Faults{
		{}, {}, {}, {}, {}, {}, {}, {Put: errors.New("disk full")}, {Get: errors.New("gone")},
		{Lost: errors.New("reset by peer")}, {Lost: store.ErrConflict},
	}
	f := faults[w.next(len(faults))]
	for _, s := range w.faulty {
		s.SetFaults(f)
	}
	w.refusing = f.Put != nil || f.Get != nil
	w.recall("store: %v", errors.Join(f.Get, f.Put, f.Lost))
}
