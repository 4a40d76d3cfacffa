package phone_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/phone"
)

// Bounds are exact: a text that fits is accepted, and one more character is not.
func TestBoundsOfTexts(t *testing.T) {
	number := "+44 7700 900123"
	for length, fits := range map[int]bool{128: true, 129: false} {
		_, err := phone.ParseNumber(number + strings.Repeat(" ", length-len(number)))
		require.Equal(t, fits, err == nil)
	}
	for length, fits := range map[int]bool{128: true, 129: false} {
		_, err := phone.Normalize("123456" + strings.Repeat(" ", length-6))
		require.Equal(t, fits, err == nil)
	}
	for digits, fits := range map[int]bool{15: true, 16: false} {
		require.Equal(t, fits, phone.Destinations{Only: []string{"+" + strings.Repeat("9", digits)}}.Validate() == nil)
	}
	m, _ := message(t)
	label := strings.Repeat("a", 63)
	for domain, fits := range map[string]bool{
		label + ".example": true, label + "a.example": false, "a-.example": false, "-a.example": false,
		strings.Repeat("a.", 126) + "a": true, strings.Repeat("a.", 126) + "aa": false,
	} {
		m.Domain = domain
		require.Equal(t, fits, m.Validate() == nil, domain)
	}
	require.Empty(t, phone.Code{}.Digits())
}

// After a country code of three digits a zero may be part of the number, as in
// Côte d'Ivoire since 2021; and parentheses may be around the country code.
func TestParseNumberTakes(t *testing.T) {
	for in, want := range map[string]string{
		"+225 01 23 45 67 89": "+2250123456789",
		"+(44) 7700 900123":   "+447700900123",
	} {
		n, err := phone.ParseNumber(in)
		require.NoError(t, err, in)
		require.Equal(t, want, n.E164())
	}
}

// Every single field of a stored state counts: code that treats one of them as nothing
// forgets a phone, or wrong codes.
func TestNoFieldIsNothing(t *testing.T) {
	one := phoneParts{"a", 447700900123, 0, unix(1), unix(1)}
	for _, c := range []struct {
		parts   stateParts
		printed string
	}{
		{stateParts{}, "0 verified"},
		{stateParts{phones: []phoneParts{one}}, "1 verified"},
		{stateParts{pending: []phoneParts{one}}, "0 verified, one pending"},
		{stateParts{wrong: 1, last: unix(1)}, "0 verified"},
		{stateParts{log: []any{uint64(1), uint64(1)}}, "0 verified"},
	} {
		s, err := phone.Decode(c.parts.raw())
		require.NoError(t, err)
		require.Equal(t, reflect.ValueOf(c.parts).IsZero(), s.IsZero())
		require.Equal(t, "phone.State("+c.printed+")", s.String())
	}
	s, _ := send(t, with(t, noon, mobile), noon, "c")
	require.Equal(t, "phone.State(1 verified, a code sent)", s.String())
}

// An empty ID is not that of the pending number.
func TestSendPendingNeedsAnID(t *testing.T) {
	_, _, err := with(t, noon, mobile).SendPending(noon, keys, "", phone.SMS, free...)
	require.ErrorIs(t, err, phone.ErrUnknown)
}

// Send does not change the caller's limits.
func TestSendChangesNoLimit(t *testing.T) {
	limits := []phone.Limit{{N: 1000, Per: time.Hour}}
	s := with(t, noon, mobile)
	_, _, err := s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "c", limits...)
	require.NoError(t, err)
	require.Equal(t, 1000, limits[0].N)
}

// Sixty-four sends are remembered to the second, and not a second longer than the longest
// limit needs.
func TestSendsToTheSecond(t *testing.T) {
	second := noon.Truncate(time.Second)
	limit := phone.Limit{N: 64, Per: 24 * time.Hour}
	var s phone.Sends
	var err error
	for i := range 64 {
		s, err = s.Take(second.Add(time.Duration(i)*10*time.Minute), limit)
		require.NoError(t, err)
	}
	for i := range 64 {
		err = s.Allow(second.Add(12*time.Hour), phone.Limit{N: 64 - i, Per: 24 * time.Hour})
		require.Equal(t, second.Add(time.Duration(i)*10*time.Minute+24*time.Hour), wait(t, second.Add(12*time.Hour), err).Until)
	}
	s, err = phone.Sends{}.Take(second, limit)
	require.NoError(t, err)
	s, err = s.Take(second.Add(24*time.Hour), limit)
	require.NoError(t, err)
	require.Equal(t, sendsOf(uint64(second.Add(24*time.Hour).Unix()), uint64(1)), s.Encode())
}

// A clock that was ahead leaves sends of the future, which no grid thins: as many are
// kept as there is room for, and none of the count is lost.
func TestSendsOfTheFutureAreBounded(t *testing.T) {
	for entries, kept := range map[int]int{190: 191, 191: 192, 192: 192} {
		log := append([]any{uint64(noon.Add(time.Hour).Unix()), uint64(2)}, slices.Repeat([]any{uint64(1), uint64(2)}, entries-1)...)
		s, err := phone.DecodeSends(sendsOf(log...))
		require.NoError(t, err)
		s, err = s.Take(noon, phone.Limit{N: 1000, Per: 24 * time.Hour})
		require.NoError(t, err)
		var view struct {
			Log []struct{ After, Sends int64 }
		}
		require.NoError(t, json.Unmarshal([]byte(wiretest.View(t, &s)), &view))
		require.Len(t, view.Log, kept)
		sum := int64(0)
		for _, e := range view.Log {
			sum += e.Sends
		}
		require.Equal(t, int64(2*entries+1), sum)
	}
}
