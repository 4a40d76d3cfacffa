package phone_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
)

func TestSignIn(t *testing.T) {
	s := with(t, noon.Add(-time.Hour), mobile, other)
	at := noon
	s, m, err := s.Send(at, keys, s.Phones()[1].ID, phone.Voice, "challenge", free...)
	require.NoError(t, err)
	require.Equal(t, other, m.To)
	sent, ok := s.Sent(at, "challenge")
	require.True(t, ok)
	require.Equal(t, phone.Sent{To: other, Via: phone.Voice, At: at.Truncate(time.Second), Expires: at.Truncate(time.Second).Add(5 * time.Minute)}, sent)
	for _, of := range []string{"another", "", s.Phones()[1].ID} {
		_, ok = s.Sent(at, of)
		require.False(t, ok, of)
	}
	_, ok = s.Cancel().Sent(at, "")
	require.False(t, ok)

	s, p, err := s.Verify(at.Add(time.Minute), keys, "challenge", m.Code.Digits())
	require.NoError(t, err)
	require.Equal(t, s.Phones()[1], p)
	require.Equal(t, at.Add(time.Minute).Truncate(time.Second), p.Used)
	require.Equal(t, noon.Add(-time.Hour).Truncate(time.Second), s.Phones()[0].Used)
	_, _, err = s.Verify(at.Add(time.Minute), keys, "challenge", m.Code.Digits())
	require.ErrorIs(t, err, phone.ErrNoCode, "once")
	_, ok = s.Sent(at, "challenge")
	require.False(t, ok)
}

func TestSendRefuses(t *testing.T) {
	s := with(t, noon, mobile)
	id := s.Phones()[0].ID
	for name, tt := range map[string]struct {
		id, challenge string
		via           phone.Via
		limits        []phone.Limit
		want          error
	}{
		"an unknown phone": {"x", "c", phone.SMS, free, phone.ErrUnknown},
		"no phone":         {"", "c", phone.SMS, free, phone.ErrUnknown},
		"no challenge":     {id, "", phone.SMS, free, phone.ErrChallenge},
		"no way":           {id, "c", "", free, phone.ErrVia},
		"another way":      {id, "c", "fax", free, phone.ErrVia},
		"no limit":         {id, "c", phone.SMS, nil, phone.ErrLimit},
	} {
		next, m, err := s.Send(noon, keys, tt.id, tt.via, tt.challenge, tt.limits...)
		require.ErrorIs(t, err, tt.want, name)
		require.Zero(t, m, name)
		require.Equal(t, s, next, name)
	}
	_, p, err := s.Add(noon, other)
	require.NoError(t, err)
	_, _, err = s.Send(noon, keys, p.ID, phone.SMS, "c", free...)
	require.ErrorIs(t, err, phone.ErrUnknown, "a number that waits signs nobody in")
}

// I50: of three codes only the last works, whichever way they were sent.
func TestResendReplaces(t *testing.T) {
	s := with(t, noon, mobile)
	var codes []string
	for _, via := range []phone.Via{phone.SMS, phone.Voice, phone.SMS} {
		next, m, err := s.Send(noon, keys, s.Phones()[0].ID, via, "c", free...)
		require.NoError(t, err)
		s, codes = next, append(codes, m.Code.Digits())
	}
	for _, old := range codes[:2] {
		if old == codes[2] {
			continue // once in a million the two are equal
		}
		_, _, err := s.Verify(noon, keys, "c", old)
		require.ErrorIs(t, err, phone.ErrRejected)
	}
	_, _, err := s.Verify(noon, keys, "c", codes[2])
	require.NoError(t, err)
}

// I51: a code is valid for five minutes by the server's clock, to the second.
func TestCodeExpires(t *testing.T) {
	s, code := send(t, with(t, noon, mobile), noon, "c")
	sent := noon.Truncate(time.Second)
	_, _, err := s.Verify(sent.Add(5*time.Minute-1), keys, "c", code)
	require.NoError(t, err)
	for _, at := range []time.Time{sent.Add(5 * time.Minute), sent.Add(365 * day), sent.Add(-31 * time.Second)} {
		next, _, err := s.Verify(at, keys, "c", code)
		require.ErrorIs(t, err, phone.ErrExpired, "%v", at)
		require.Equal(t, s, next, "no guess was made")
	}
	_, _, err = s.Verify(sent.Add(-29*time.Second), keys, "c", code)
	require.NoError(t, err, "two servers' clocks")
}

// I51: five tries, and a new code gives none back (NIST SP 800-63B-4 §3.1.3.2); neither
// does another challenge.
func TestFiveTries(t *testing.T) {
	s, code := send(t, with(t, noon, mobile), noon, "a")
	var err error
	for i := range 2 {
		s, _, err = s.Verify(noon, keys, "a", wrong(code))
		require.ErrorIs(t, err, phone.ErrRejected, "try %d", i+1)
	}
	s, code = send(t, s, noon, "a")
	s, _, err = s.Verify(noon, keys, "a", wrong(code))
	require.ErrorIs(t, err, phone.ErrRejected)
	s, code = send(t, s, noon, "b")
	s, _, err = s.Verify(noon, keys, "b", wrong(code))
	require.ErrorIs(t, err, phone.ErrRejected)
	require.NoError(t, second(s.Verify(noon, keys, "b", code)), "the fifth may be right")

	at := noon.Add(time.Minute)
	s, _, err = s.Verify(at, keys, "b", wrong(code))
	require.ErrorIs(t, err, phone.ErrRejected)
	s = reread(t, s)
	next, p, err := s.Verify(at, keys, "b", code)
	require.ErrorIs(t, err, phone.ErrTooMany, "the sixth is not looked at")
	require.Zero(t, p)
	require.Equal(t, s, next)
	until := at.Add(750*time.Millisecond + 10*time.Minute)
	require.Equal(t, until, wait(t, at, err).Until)
	_, m, err := s.Send(at, keys, s.Phones()[0].ID, phone.SMS, "c", free...)
	require.ErrorIs(t, err, phone.ErrTooMany, "no message for a code that nobody may type")
	require.Zero(t, m)
	require.ErrorIs(t, s.MaySend(at, free...), phone.ErrTooMany)
	require.ErrorIs(t, second(s.Verify(at.Add(-time.Hour), keys, "b", code)), phone.ErrTooMany, "a clock that stepped back")
	require.ErrorIs(t, second(s.Verify(until.Add(-1), keys, "b", code)), phone.ErrTooMany)
	require.ErrorIs(t, second(s.Verify(until, keys, "b", code)), phone.ErrNoCode, "the code is gone for good")

	s, code = send(t, s, until, "c")
	s, _, err = s.Verify(until, keys, "c", wrong(code))
	require.ErrorIs(t, err, phone.ErrRejected)
	require.NoError(t, second(s.Verify(until, keys, "c", code)))
}

func second(_ phone.State, _ phone.Phone, err error) error { return err }

// After a right code, or ten minutes, the count begins again.
func TestWrongCodesAreForgotten(t *testing.T) {
	four := func() (phone.State, string) {
		s, code := send(t, with(t, noon, mobile), noon, "a")
		for range 4 {
			s, _, _ = s.Verify(noon, keys, "a", wrong(code))
		}
		return s, code
	}
	fails := func(s phone.State, code string, at time.Time) (n int) {
		for ; n < 9 && second(s.Verify(at, keys, "a", wrong(code))) == phone.ErrRejected; n++ {
			s, _, _ = s.Verify(at, keys, "a", wrong(code))
		}
		return n
	}
	s, code := four()
	require.Equal(t, 1, fails(s, code, noon))
	s, _, err := s.Verify(noon, keys, "a", code)
	require.NoError(t, err)
	s, code = send(t, s, noon, "a")
	require.Equal(t, 5, fails(s, code, noon), "by a right code")

	s, _ = four()
	later := noon.Add(750*time.Millisecond + 10*time.Minute)
	s, code = send(t, s, later.Add(-1), "a")
	require.Equal(t, 1, fails(s, code, later.Add(-1)))
	require.Equal(t, 5, fails(s, code, later), "by time")
}

// An administrator's unlock forgets wrong codes and messages, and keeps the phones.
func TestUnlock(t *testing.T) {
	s, code := send(t, with(t, noon, mobile), noon, "a")
	for range phone.MaxTries {
		s, _, _ = s.Verify(noon, keys, "a", wrong(code))
	}
	once := []phone.Limit{{N: 1, Per: time.Hour}}
	_, _, err := s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "b", once...)
	require.Error(t, err)
	phones := s.Phones()
	s = reread(t, s.Unlock())
	require.Equal(t, phones, s.Phones())
	s, m, err := s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "b", once...)
	require.NoError(t, err)
	s, _, err = s.Verify(noon, keys, "b", wrong(m.Code.Digits()))
	require.ErrorIs(t, err, phone.ErrRejected)
	_, _, err = s.Verify(noon, keys, "b", m.Code.Digits())
	require.NoError(t, err, "one wrong code, and not six")
}

// Text that cannot be a code, and a code for something else, are not guesses.
func TestNotCharged(t *testing.T) {
	s, code := send(t, with(t, noon, mobile), noon, "a")
	for typed, want := range map[string]error{"12345": phone.ErrMalformed, "abcdef": phone.ErrMalformed} {
		next, _, err := s.Verify(noon, keys, "a", typed)
		require.ErrorIs(t, err, want)
		require.Equal(t, s, next)
	}
	for _, challenge := range []string{"b", "", "A", "a ", s.Phones()[0].ID} {
		next, _, err := s.Verify(noon, keys, challenge, code)
		require.ErrorIs(t, err, phone.ErrNoCode, "%q", challenge)
		require.Equal(t, s, next)
	}
	next, _, err := s.VerifyPending(noon, keys, s.Phones()[0].ID, code)
	require.ErrorIs(t, err, phone.ErrNoCode)
	require.Equal(t, s, next)
	_, _, err = phone.State{}.Verify(noon, keys, "", "123456")
	require.ErrorIs(t, err, phone.ErrNoCode)
	_, _, err = phone.State{}.VerifyPending(noon, keys, "", "123456")
	require.ErrorIs(t, err, phone.ErrNoCode)
}

// The account's limits: MaySend answers what Send does, and a refused send leaves the
// live code as it was.
func TestSendLimits(t *testing.T) {
	limits := phone.DefaultLimits().Account
	s := with(t, noon.Add(-2*day), mobile)
	id := s.Phones()[0].ID
	at := noon
	for range 10 {
		if err := s.MaySend(at, limits...); err != nil {
			at = wait(t, at, err).Until
		}
		require.NoError(t, s.MaySend(at, limits...))
		next, _, err := s.Send(at, keys, id, phone.SMS, "c", limits...)
		require.NoError(t, err)
		s = reread(t, next)
		refused, m, err := s.Send(at, keys, id, phone.Voice, "c", limits...)
		require.ErrorIs(t, err, phone.ErrLimit)
		require.Equal(t, s.MaySend(at, limits...), err)
		require.Zero(t, m)
		require.Equal(t, s, refused)
	}
	require.Equal(t, noon.Add(day+750*time.Millisecond), wait(t, at, s.MaySend(at, limits...)).Until, "ten a day")
}

// The keys may have been rotated meanwhile; other keys open nothing, and that does not
// count as a wrong code.
func TestKeys(t *testing.T) {
	text := keyring.Generate()
	s := with(t, noon, mobile)
	s, m, err := s.Send(noon, mustRing(text), s.Phones()[0].ID, phone.SMS, "c", free...)
	require.NoError(t, err)
	rotated, err := keyring.Rotate(text)
	require.NoError(t, err)
	require.NoError(t, second(s.Verify(noon, mustRing(rotated), "c", m.Code.Digits())))
	raised, err := keyring.RaiseEpoch(text)
	require.NoError(t, err)
	require.ErrorIs(t, second(s.Verify(noon, mustRing(raised), "c", m.Code.Digits())), phone.ErrRejected, "after a database restore")
	next, p, err := s.Verify(noon, keys, "c", m.Code.Digits())
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
	require.NotErrorIs(t, err, phone.ErrRejected)
	require.Zero(t, p)
	require.Equal(t, s, next)
}

// An attacker who knows the password has as many messages sent as the limits allow, and
// tries codes while they are accepted at all: ten messages a day, five tries of each.
func TestADayOfMessages(t *testing.T) {
	limits := phone.DefaultLimits().Account
	s := with(t, noon, mobile)
	for n := range 3 {
		sent, tries, code := 0, 0, ""
		morning := noon.Add(time.Duration(n) * day)
		for at := morning; at.Before(morning.Add(day)); at = at.Add(10 * time.Second) {
			next, m, err := s.Send(at, keys, s.Phones()[0].ID, phone.SMS, "a", limits...)
			if err == nil {
				s, code, sent = next, m.Code.Digits(), sent+1
			}
			for code != "" {
				next, _, err := s.Verify(at, keys, "a", wrong(code))
				if !errors.Is(err, phone.ErrRejected) {
					break
				}
				s, tries = next, tries+1
			}
		}
		require.LessOrEqual(t, sent, 10)
		require.Greater(t, sent, 8, "the attacker must come near the limit, or the test shows nothing")
		require.LessOrEqual(t, tries, 5*sent)
		require.Positive(t, tries)
	}
}

// Strangers can have five messages a day sent to a number that is not verified.
func TestADayOfStrangersMessages(t *testing.T) {
	var s phone.Sends
	sent := 0
	for at := noon; at.Before(noon.Add(day)); at = at.Add(time.Minute) {
		if next, err := s.Take(at, phone.DefaultLimits().ForUnverified().Number...); err == nil {
			s, sent = next, sent+1
		}
	}
	require.Equal(t, 5, sent)
}
