package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/store"
)

var (
	windowKey = [16]byte{7}
	one, two  = store.AccountID{Tenant: "acme", User: "1"}, store.AccountID{Tenant: "acme", User: "2"}
)

func opened() Window {
	return NewWindow(windowKey, "mark", at, []string{"reset", "unlock"}, []store.AccountID{one, two})
}

// Each action on each target once, and nothing else.
func TestWindowIsUsedUp(t *testing.T) {
	w := opened()
	for _, id := range []store.AccountID{one, two} {
		for _, action := range []string{"unlock", "reset"} {
			before := w
			used, ok := w.Use(windowKey, "mark", at, action, id)
			require.True(t, ok)
			require.Equal(t, opened().Targets[0].Left, opened().Targets[1].Left)
			require.NotEqual(t, before, used, "the one before stays as it was")
			again, ok := used.Use(windowKey, "mark", at, action, id)
			require.False(t, ok)
			require.Equal(t, used, again)
			w = used
		}
	}
	require.Empty(t, w.Rest(windowKey, "mark", at))
	require.Len(t, opened().Rest(windowKey, "mark", at), 2)
}

// A window with any of its parts is not zero.
func TestWindowIsZero(t *testing.T) {
	require.True(t, new(Window).IsZero())
	for _, w := range []Window{
		{Key: windowKey}, {Mark: "mark"}, {Until: at}, {Actions: []string{"reset"}}, {Targets: opened().Targets},
	} {
		require.False(t, w.IsZero(), w)
	}
}

// A window is refused in another browser, after its sessions were ended, for something
// else, and before and after its time.
func TestWindowRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		key    [16]byte
		mark   string
		at     time.Time
		action string
		target store.AccountID
		ok     bool
	}{
		"right":           {windowKey, "mark", at, "reset", one, true},
		"last moment":     {windowKey, "mark", at.Add(WindowAge - time.Millisecond), "reset", one, true},
		"over":            {windowKey, "mark", at.Add(WindowAge), "reset", one, false},
		"clocks differ":   {windowKey, "mark", at.Add(-skew.Tolerance), "reset", one, true},
		"of the future":   {windowKey, "mark", at.Add(-skew.Tolerance - time.Millisecond), "reset", one, false},
		"another browser": {[16]byte{8}, "mark", at, "reset", one, false},
		"another mark":    {windowKey, "other", at, "reset", one, false},
		"another action":  {windowKey, "mark", at, "exempt", one, false},
		"another target":  {windowKey, "mark", at, "reset", store.AccountID{User: "1"}, false},
		"a whole tenant":  {windowKey, "mark", at, "reset", store.AccountID{Tenant: "acme"}, false},
	} {
		w, ok := opened().Use(c.key, c.mark, c.at, c.action, c.target)
		require.Equal(t, c.ok, ok, name)
		require.Equal(t, c.ok, w.Targets[0].Left != opened().Targets[0].Left, name)
	}
	_, ok := Window{}.Use([16]byte{}, "", time.Time{}, "", store.AccountID{})
	require.False(t, ok, "the zero window permits nothing")
}

// Every event that ends what is under way closes the window, and so does its end.
func TestWindowCloses(t *testing.T) {
	for name, end := range map[string]func(*Account){
		"tickets":  (*Account).EndTickets,
		"sessions": (*Account).EndSessions,
		"time":     func(a *Account) { a.Prune(at.Add(WindowAge)) },
	} {
		a := Account{Window: opened()}
		end(&a)
		require.True(t, a.Window.IsZero(), name)
	}
	a := Account{Window: opened()}
	a.Prune(at.Add(WindowAge - time.Millisecond))
	require.Equal(t, opened(), a.Window)
}
