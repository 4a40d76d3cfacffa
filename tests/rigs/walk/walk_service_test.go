package walk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/walk"
	"github.com/totpflow/totpflow/totptest"
)

// Two people, two processes, a clock that jumps and a store that fails act in any
// order. The model predicts who is let in, what still works and what is counted. The
// packages in tests/databases do the same on real databases.
func FuzzService(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(walk.Script(seed, 150))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		walkService(t, script[:min(len(script), 600)])
	})
}

// The long walk is the same in every run, and must have met every answer. With -short
// there are fewer seeds, which do not meet all of them.
func TestServiceWalk(t *testing.T) {
	met, seeds := walk.Met{}, uint64(16)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		met.Add(walkService(t, walk.Script(seed, 4000)))
	}
	if testing.Short() {
		return
	}
	for _, answer := range []string{
		"sign in: in", "sign in: trusted", "sign in: ask", "sign in: set up", "sign in: unavailable",
		"verify: in", "verify: rejected", "verify: used", "verify: throttled", "verify: challenge", "verify: clock", "pair: in", "pair: used", "pair: rejected", "recover: in", "recover: rejected", "verify: unavailable",
		"begin: ok", "begin: proof", "begin: challenge", "continue: ok", "continue: enrollment",
		"confirm: in", "confirm: rejected", "confirm: enrollment", "confirm: unavailable",
		"prove: ok", "prove: rejected", "prove: used", "prove: throttled", "prove: not enrolled",
		"trust: ok", "trust: proof", "disable: ok", "disable: required", "disable: proof", "remove: ok",
		"new codes: ok", "new codes: proof", "spend: ok", "spend: proof", "password: ok", "revoke all: ok", "revoke: ok",
		"sign in: frozen", "sign in: exempt", "verify: not enrolled", "prove: frozen",
		"issued: set up", "issued: rejected", "issued: recent", "issued: throttled", "issued: challenge",
		"machine: in", "machine: not exempt", "machine: frozen",
		"reset: ok", "unlock: ok", "restore: ok", "restore: unknown", "restore: transition",
		"exempt: ok", "end exemption: ok", "end exemption: not exempt", "extend: ok", "extend: grace", "extend: no grace",
		"import: ok", "import: enrolled", "import: transition", "import: frozen", "issue: ok", "issue: recent", "issue: frozen", "issue: not enrolled",
		"disown: ok", "disown: disown", "forget: ok", "restored: ok",
	} {
		require.NotZero(t, met[answer], "the walk does not meet %q", answer)
	}
}

func walkService(t *testing.T, script []byte) walk.Met {
	t.Helper()
	memory := store.NewMemory()
	met, err := walk.Run(t.Context(), totptest.NewClock(noon), [2]store.Store{memory, memory}, script)
	require.NoError(t, err)
	return met
}
