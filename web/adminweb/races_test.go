package adminweb_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/web/adminweb"
)

// Races are counted for a day, in bounded memory, and then forgotten.
func TestRaces(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	var r adminweb.Races
	require.Zero(t, r.Lost(now))
	r.ObserveFlow(t.Context(), event.Flow{Began: now})
	require.Zero(t, r.Lost(now))
	for range 100 {
		r.ObserveFlow(t.Context(), event.Flow{Began: now, Lost: 2})
	}
	r.ObserveFlow(t.Context(), event.Flow{Began: now.Add(5 * time.Hour), Lost: 1})
	require.Equal(t, 201, r.Lost(now.Add(5*time.Hour)))
	require.Equal(t, 200, r.Lost(now), "the later one is of a clock ahead")
	require.Equal(t, 1, r.Lost(now.Add(24*time.Hour)))
	r.ObserveFlow(t.Context(), event.Flow{Began: now.Add(24 * time.Hour), Lost: 7})
	require.Equal(t, 8, r.Lost(now.Add(24*time.Hour)))
	require.Zero(t, r.Lost(now.AddDate(0, 0, 7)))
}

// An administrator sees that there were races, and no details of them.
func TestLostRacesAreShown(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.Get("/2fa-admin/people")
	require.Equal(t, http.StatusOK, b.Page.Status)
	require.Empty(t, b.Page.Text("races"))
	s.races.ObserveFlow(t.Context(), event.Flow{Began: s.clock.Now(), Lost: 3})
	b.Get("/2fa-admin/people")
	require.Contains(t, b.Page.Text("races"), "3 times")
}
