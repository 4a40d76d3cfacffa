package phone_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// Bounds hold to the last character: what fits is taken, one more is not.
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

// Of a stored state every single field counts: whoever takes one of them alone for
// nothing forgets a phone, or wrong codes.
func TestNoFieldIsNothing(t *testing.T) {
	for text, printed := range map[string]string{
		`{"v":1}`: "0 verified",
		`{"v":1,"phones":[{"id":"a","number":"+447700900123","added":1,"used":1}]}`: "1 verified",
		`{"v":1,"pending":{"id":"a","number":"+447700900123","began":1}}`:           "0 verified, one pending",
		`{"v":1,"wrong":1,"last":1}`:                                                "0 verified",
		`{"v":1,"sends":{"v":1,"log":[1,1]}}`:                                       "0 verified",
	} {
		s, err := phone.Decode([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, text == `{"v":1}`, s.IsZero(), text)
		require.Equal(t, "phone.State("+printed+")", s.String())
	}
	s, _ := send(t, with(t, noon, mobile), noon, "c")
	require.Equal(t, "phone.State(1 verified, a code sent)", s.String())
}

// More of a state that nobody wrote.
func TestDecodeRefusesMore(t *testing.T) {
	_, err := phone.Decode([]byte(`{"v":1,"phones":[{"id":"a","number":"+447700900123","added":1,"used":0}]}`))
	require.ErrorContains(t, err, "bad phone")

	one := with(t, noon, mobile)
	s, p, err := one.Add(noon, mustNumber("+436601234567"))
	require.NoError(t, err)
	s, _, err = s.SendPending(noon, keys, p.ID, phone.SMS, free...)
	require.NoError(t, err)
	swapped := strings.Replace(string(s.Encode()), `"to":"`+p.ID, `"to":"`+s.Phones()[0].ID, 1)
	_, err = phone.Decode([]byte(swapped))
	require.ErrorContains(t, err, "bad code", "a code that adds a number is no code of a phone")

	_, _, err = one.SendPending(noon, keys, "", phone.SMS, free...)
	require.ErrorIs(t, err, phone.ErrUnknown, "there is none")
}

// The bounds of the sends that are read are those of what is written.
func TestDecodingSendsBounds(t *testing.T) {
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("1,1,", n), ",") }
	for text, good := range map[string]bool{
		`[1099511627776,1]`: true, `[1099511627777,1]`: false, `[5,1,1099511627771,1]`: true, `[5,1,1099511627772,1]`: false,
		`[5,1000000]`: true, `[5,1000001]`: false, `[` + many(192) + `]`: true, `[` + many(193) + `]`: false,
	} {
		var s phone.Sends
		require.Equal(t, good, json.Unmarshal([]byte(`{"v":1,"log":`+text+`}`), &s) == nil, "%.40s", text)
	}
}

// The caller's limits stay the caller's.
func TestSendChangesNoLimit(t *testing.T) {
	limits := []phone.Limit{{N: 1000, Per: time.Hour}}
	s := with(t, noon, mobile)
	_, _, err := s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "c", limits...)
	require.NoError(t, err)
	require.Equal(t, 1000, limits[0].N)
}

// Sixty-four sends are remembered to the second, and not a second longer than the
// longest limit looks.
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
	require.Equal(t, fmt.Sprintf(`{"v":1,"log":[%d,1]}`, second.Add(24*time.Hour).Unix()), encode(t, s))
}

// A clock that was ahead leaves sends of the future, which no grid thins: as many
// as there is room for are kept, and none of the count is lost.
func TestSendsOfTheFutureAreBounded(t *testing.T) {
	for entries, kept := range map[int]int{190: 191, 191: 192, 192: 192} {
		var s phone.Sends
		text := fmt.Sprintf(`{"v":1,"log":[%d,2%s]}`, noon.Add(time.Hour).Unix(), strings.Repeat(",1,2", entries-1))
		require.NoError(t, json.Unmarshal([]byte(text), &s))
		s, err := s.Take(noon, phone.Limit{N: 1000, Per: 24 * time.Hour})
		require.NoError(t, err)
		var log struct{ Log []int64 }
		require.NoError(t, json.Unmarshal([]byte(encode(t, s)), &log))
		require.Len(t, log.Log, 2*kept)
		sum := int64(0)
		for i := 1; i < len(log.Log); i += 2 {
			sum += log.Log[i]
		}
		require.Equal(t, int64(2*entries+1), sum)
	}
}
