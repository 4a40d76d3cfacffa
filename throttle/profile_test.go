package throttle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

// The promised numbers: 5 free; 30 s to 1 h; 24 h; 20, 100 and 300 guesses of
// three steps; pairs 1 in 10 s, 6 at once.
func TestProfiles(t *testing.T) {
	want := throttle.Profile{
		Free: 5, FirstWait: 30 * time.Second, MaxWait: time.Hour, Forget: 24 * time.Hour,
		Day: 60, Month: 300, Year: 900, PairEvery: 30 * time.Second, PairBurst: 6,
	}
	require.Equal(t, want, throttle.Default())
	require.NoError(t, throttle.Default().Validate())
	want.InRow = 100
	require.Equal(t, want, throttle.Strict())
	require.NoError(t, throttle.Strict().Validate())
}

func TestValidateRefuses(t *testing.T) {
	require.ErrorIs(t, throttle.Profile{}.Validate(), throttle.ErrProfile)
	for name, spoil := range map[string]func(*throttle.Profile){
		"nothing free":        func(p *throttle.Profile) { p.Free = 0 },
		"no wait":             func(p *throttle.Profile) { p.FirstWait = 0 },
		"waits that shrink":   func(p *throttle.Profile) { p.MaxWait = time.Second },
		"forgets too early":   func(p *throttle.Profile) { p.Forget = time.Minute },
		"no day":              func(p *throttle.Profile) { p.Day = 0 },
		"a month under a day": func(p *throttle.Profile) { p.Month = 59 },
		"a year under":        func(p *throttle.Profile) { p.Year = 299 },
		"a year without end":  func(p *throttle.Profile) { p.Year = 1_000_001 },
		"a negative row":      func(p *throttle.Profile) { p.InRow = -1 },
		"no pairs":            func(p *throttle.Profile) { p.PairBurst = 0 },
		"pairs without pause": func(p *throttle.Profile) { p.PairEvery = 0 },
	} {
		p := throttle.Default()
		spoil(&p)
		require.ErrorIs(t, p.Validate(), throttle.ErrProfile, name)
	}
}
