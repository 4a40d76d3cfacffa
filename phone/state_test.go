package phone_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/phone"
)

func TestAddAndVerify(t *testing.T) {
	var s phone.State
	require.True(t, s.IsZero())
	s, pending, err := s.Add(noon, mobile)
	require.NoError(t, err)
	require.Empty(t, s.Phones(), "a number is no phone until it has shown a code")
	got, ok := s.Pending(noon)
	require.True(t, ok)
	require.Equal(t, pending, got)

	s, m, err := s.SendPending(noon, keys, pending.ID, phone.Voice, free...)
	require.NoError(t, err)
	require.Equal(t, phone.Voice, m.Via)
	sent, ok := s.Sent(noon, pending.ID)
	require.True(t, ok)
	require.Equal(t, mobile, sent.To)
	_, _, err = s.Verify(noon, keys, pending.ID, m.Code.Digits())
	require.ErrorIs(t, err, phone.ErrNoCode, "it signs nobody in")
	later := noon.Add(time.Minute)
	s, added, err := s.VerifyPending(later, keys, pending.ID, m.Code.Digits())
	require.NoError(t, err)
	require.Equal(t, phone.Phone{ID: pending.ID, Number: mobile, Via: phone.Voice, Added: later.Truncate(time.Second), Used: later.Truncate(time.Second)}, added)
	require.Equal(t, []phone.Phone{added}, s.Phones())
	_, ok = s.Pending(later)
	require.False(t, ok)
	_, _, err = s.VerifyPending(later, keys, pending.ID, m.Code.Digits())
	require.ErrorIs(t, err, phone.ErrNoCode, "once")
}

func TestAddRefuses(t *testing.T) {
	s := with(t, noon, mobile)
	_, _, err := s.Add(noon, phone.Number{})
	require.ErrorIs(t, err, phone.ErrNumber)
	_, _, err = s.Add(noon, mobile)
	require.ErrorIs(t, err, phone.ErrKnown)
	_, _, err = with(t, noon, mobile, other, third).Add(noon, fourth)
	require.ErrorIs(t, err, phone.ErrTooManyPhones)
}

// Another number replaces the pending one and its code.
func TestAddReplacesPending(t *testing.T) {
	s, first, err := phone.State{}.Add(noon, mobile)
	require.NoError(t, err)
	s, m, err := s.SendPending(noon, keys, first.ID, phone.SMS, free...)
	require.NoError(t, err)
	s, second, err := s.Add(noon, other)
	require.NoError(t, err)
	for _, id := range []string{first.ID, second.ID, ""} {
		_, _, err = s.VerifyPending(noon, keys, id, m.Code.Digits())
		require.ErrorIs(t, err, phone.ErrNoCode)
	}
	_, _, err = s.SendPending(noon, keys, first.ID, phone.SMS, free...)
	require.ErrorIs(t, err, phone.ErrUnknown)
	_, _, err = s.SendPending(noon, keys, "", phone.SMS, free...)
	require.ErrorIs(t, err, phone.ErrUnknown)
}

func TestPendingExpires(t *testing.T) {
	s, p, err := phone.State{}.Add(noon, mobile)
	require.NoError(t, err)
	last := noon.Truncate(time.Second).Add(phone.PendingLifetime - 1)
	s, m, err := s.SendPending(last, keys, p.ID, phone.SMS, free...)
	require.NoError(t, err)
	_, _, err = s.VerifyPending(last, keys, p.ID, m.Code.Digits())
	require.NoError(t, err)
	_, _, err = s.VerifyPending(last.Add(1), keys, p.ID, m.Code.Digits())
	require.ErrorIs(t, err, phone.ErrExpired, "its code is fresh, the number is not")
	_, _, err = s.SendPending(last.Add(1), keys, p.ID, phone.SMS, free...)
	require.ErrorIs(t, err, phone.ErrExpired)
	_, ok := s.Pending(last.Add(1))
	require.False(t, ok)
	_, ok = s.Pending(noon.Add(-time.Minute))
	require.False(t, ok, "a clock that was put back")
}

// A number and a code of a clock an hour ahead are ahead of the right one.
func TestAhead(t *testing.T) {
	added, _, err := phone.State{}.Add(noon, mobile)
	require.NoError(t, err)
	sent, _ := send(t, with(t, noon, mobile), noon, "a")
	for name, s := range map[string]phone.State{"a number": added, "a code": sent} {
		require.False(t, s.Ahead(noon), name)
		before := noon.Add(-time.Hour)
		require.True(t, s.Ahead(before), name)
		require.False(t, s.Expire(before).Ahead(before), name)
	}
	require.False(t, with(t, noon, mobile).Ahead(noon.Add(-time.Hour)), "a phone stays")
}

// A code that went to a verified phone does not verify the pending number, even if a
// challenge has the ID of that number.
func TestCodeOfAPhoneAddsNoOther(t *testing.T) {
	s, p, err := with(t, noon, mobile).Add(noon, other)
	require.NoError(t, err)
	s, code := send(t, s, noon, p.ID)
	_, _, err = s.VerifyPending(noon, keys, p.ID, code)
	require.ErrorIs(t, err, phone.ErrNoCode)
	_, _, err = s.Verify(noon, keys, p.ID, code)
	require.NoError(t, err)
}

// I52: when a number goes, its code goes with it.
func TestRemove(t *testing.T) {
	s := with(t, noon, mobile, other)
	s, code := send(t, s, noon, "c")
	kept, err := s.Remove(s.Phones()[1].ID)
	require.NoError(t, err)
	require.NoError(t, second(kept.Verify(noon, keys, "c", code)))

	gone, err := s.Remove(s.Phones()[0].ID)
	require.NoError(t, err)
	require.Len(t, gone.Phones(), 1)
	require.ErrorIs(t, second(gone.Verify(noon, keys, "c", code)), phone.ErrNoCode)
	back, p, err := gone.Add(noon, mobile)
	require.NoError(t, err)
	require.ErrorIs(t, second(back.VerifyPending(noon, keys, p.ID, code)), phone.ErrNoCode)

	back, m, err := back.SendPending(noon, keys, p.ID, phone.SMS, free...)
	require.NoError(t, err)
	without, err := back.Remove(p.ID)
	require.NoError(t, err)
	require.ErrorIs(t, second(without.VerifyPending(noon, keys, p.ID, m.Code.Digits())), phone.ErrNoCode)
	for _, id := range []string{p.ID, "", "x"} {
		_, err = without.Remove(id)
		require.ErrorIs(t, err, phone.ErrUnknown)
	}
}

func TestCancelAndClear(t *testing.T) {
	s := with(t, noon, mobile)
	s, p, err := s.Add(noon, other)
	require.NoError(t, err)
	s, code := send(t, s, noon, "c")
	s, _, err = s.Verify(noon, keys, "c", wrong(code))
	require.ErrorIs(t, err, phone.ErrRejected)

	cancelled := reread(t, s.Cancel())
	require.Len(t, cancelled.Phones(), 1)
	require.ErrorIs(t, second(cancelled.Verify(noon, keys, "c", code)), phone.ErrNoCode)
	require.ErrorIs(t, second(cancelled.VerifyPending(noon, keys, p.ID, code)), phone.ErrNoCode)
	_, ok := cancelled.Pending(noon)
	require.False(t, ok)

	// A reset in between gives back neither messages nor tries.
	cleared := reread(t, s.Clear())
	require.Empty(t, cleared.Phones())
	require.False(t, cleared.IsZero())
	cleared, p, err = cleared.Add(noon, mobile)
	require.NoError(t, err)
	require.Error(t, cleared.MaySend(noon, phone.Limit{N: 2, Per: day}))
	cleared, m, err := cleared.SendPending(noon, keys, p.ID, phone.SMS, free...)
	require.NoError(t, err)
	for range 4 {
		cleared, _, err = cleared.VerifyPending(noon, keys, p.ID, wrong(m.Code.Digits()))
		require.ErrorIs(t, err, phone.ErrRejected)
	}
	require.ErrorIs(t, second(cleared.VerifyPending(noon, keys, p.ID, m.Code.Digits())), phone.ErrTooMany)
}

// No method changes the value that it is called on, or one that was made from it.
func TestStateIsAValue(t *testing.T) {
	s := with(t, noon, mobile, other)
	s, _, err := s.Add(noon, third)
	require.NoError(t, err)
	s, code := send(t, s, noon, "c")
	before := string(s.Encode())
	ids := []string{s.Phones()[0].ID, s.Phones()[1].ID}
	made := []phone.State{s.Cancel(), s.Clear(), s.Expire(noon.Add(day))}
	collect := func(next phone.State, err error) {
		require.True(t, err == nil || err == phone.ErrRejected)
		made = append(made, next)
	}
	for _, id := range ids {
		collect(s.Remove(id))
		next, _, err := s.Send(noon, keys, id, phone.SMS, "d", free...)
		collect(next, err)
	}
	for _, typed := range []string{code, wrong(code)} {
		next, _, err := s.Verify(noon, keys, "c", typed)
		collect(next, err)
	}
	next, _, err := s.Add(noon, fourth)
	collect(next, err)
	require.Equal(t, before, string(s.Encode()))
	var encoded [][]byte
	for _, m := range made {
		encoded = append(encoded, m.Encode())
	}
	list := s.Phones()
	slices.Reverse(list)
	list[0] = phone.Phone{}
	for i, m := range made {
		_, _ = m.Remove(ids[0])
		_, _, _ = m.Verify(noon, keys, "c", code)
		require.Equal(t, string(encoded[i]), string(m.Encode()))
	}
	require.Equal(t, before, string(s.Encode()))
}

// With an error each call returns the state that it was given, except for a wrong code:
// that is counted in the state that is returned.
func TestErrorsKeepTheState(t *testing.T) {
	s, code := send(t, with(t, noon, mobile), noon, "challenge")
	s, pending, err := s.Add(noon, other)
	require.NoError(t, err)
	full := with(t, noon, mobile, other, third)
	tooMany := s
	for range phone.MaxTries {
		tooMany, _, err = tooMany.Verify(noon, keys, "challenge", wrong(code))
		require.ErrorIs(t, err, phone.ErrRejected)
	}
	none := []phone.Limit{}
	first := func(s phone.State, _ any, err error) (phone.State, error) { return s, err }
	calls := map[string]func(phone.State, string) (phone.State, error){
		"State.Add":    func(s phone.State, _ string) (phone.State, error) { return first(s.Add(noon, phone.Number{})) },
		"State.Remove": func(s phone.State, _ string) (phone.State, error) { return s.Remove("unknown") },
		"State.Send": func(s phone.State, id string) (phone.State, error) {
			return first(s.Send(noon, keys, id, phone.SMS, "challenge", none...))
		},
		"State.SendPending": func(s phone.State, id string) (phone.State, error) {
			return first(s.SendPending(noon, keys, id, "pigeon", free...))
		},
		"State.Verify": func(s phone.State, _ string) (phone.State, error) {
			return first(s.Verify(noon, keys, "another challenge", code))
		},
		"State.VerifyPending": func(s phone.State, _ string) (phone.State, error) {
			return first(s.VerifyPending(noon, keys, "unknown", code))
		},
		"Sends.Take": func(s phone.State, _ string) (phone.State, error) {
			sends, err := phone.Sends{}.Take(noon, free...)
			require.NoError(t, err)
			after, err := sends.Take(noon, phone.Limit{N: 1, Per: day})
			require.Equal(t, sends, after)
			return s, err
		},
	}
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)), "a call that replaces a state is missing here")
	for name, call := range calls {
		for _, given := range []phone.State{{}, s, full, tooMany} {
			ids := []string{"", "unknown", pending.ID}
			for _, p := range given.Phones() {
				ids = append(ids, p.ID)
			}
			for _, id := range ids {
				next, err := call(given, id)
				require.Error(t, err, name)
				require.Equal(t, string(given.Encode()), string(next.Encode()), "%s: %v", name, err)
			}
		}
	}
	for typed, want := range map[string]error{"": phone.ErrMalformed, code: phone.ErrTooMany} {
		next, _, err := tooMany.Verify(noon, keys, "challenge", typed)
		require.ErrorIs(t, err, want)
		require.Equal(t, tooMany, next)
	}
	next, _, err := s.Verify(noon.Add(time.Hour), keys, "challenge", code)
	require.ErrorIs(t, err, phone.ErrExpired)
	require.Equal(t, s, next)
}
