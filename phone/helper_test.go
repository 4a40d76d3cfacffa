package phone_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
)

// noon is in the middle of a second, where rounding shows.
var noon = time.Date(2026, time.March, 28, 12, 0, 0, 250_000_000, time.UTC)

const day = 24 * time.Hour

var (
	keys = mustRing(keyring.Generate())
	free = []phone.Limit{{N: 64, Per: day}} // as good as no limit

	// Ofcom's numbers for drama, which belong to nobody
	mobile = mustNumber("+447700900123")
	other  = mustNumber("+447700900456")
	third  = mustNumber("+447700900789")
	fourth = mustNumber("+447700900012")
)

func mustRing(s string) *keyring.Ring {
	r, err := keyring.Parse(s)
	if err != nil {
		panic(err)
	}
	return r
}

func mustNumber(s string) phone.Number {
	n, err := phone.ParseNumber(s)
	if err != nil {
		panic(err)
	}
	return n
}

// with returns a state in which the numbers are verified.
func with(t testing.TB, at time.Time, numbers ...phone.Number) phone.State {
	var s phone.State
	for _, n := range numbers {
		next, pending, err := s.Add(at, n)
		require.NoError(t, err)
		next, m, err := next.SendPending(at, keys, pending.ID, phone.SMS, free...)
		require.NoError(t, err)
		next, added, err := next.VerifyPending(at, keys, pending.ID, m.Code.Digits())
		require.NoError(t, err)
		require.Equal(t, pending.ID, added.ID)
		s = reread(t, next)
	}
	return s
}

// send sends a code to the first phone for a challenge.
func send(t testing.TB, s phone.State, at time.Time, challenge string) (phone.State, string) {
	next, m, err := s.Send(at, keys, s.Phones()[0].ID, phone.SMS, challenge, free...)
	require.NoError(t, err)
	return reread(t, next), m.Code.Digits()
}

// wrong returns another code.
func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// reread sends a state through its stored form.
func reread(t testing.TB, s phone.State) phone.State {
	back, err := phone.Decode(s.Encode())
	require.NoError(t, err, "%x", s.Encode())
	require.Equal(t, string(s.Encode()), string(back.Encode()))
	return back
}

func encode(_ testing.TB, s phone.Sends) string { return string(s.Encode()) }

// wait returns the refusal, and checks that its two times agree.
func wait(t testing.TB, at time.Time, err error) *phone.WaitError {
	var w *phone.WaitError
	require.ErrorAs(t, err, &w)
	if !w.Until.IsZero() {
		require.Equal(t, w.Until.Sub(at), w.Wait)
	}
	return w
}
