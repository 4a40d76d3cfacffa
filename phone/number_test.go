package phone_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/typed"
	"github.com/totpflow/totpflow/phone"
)

// Numbers as people write them; the ranges are those that regulators reserve for examples
// (Ofcom's drama numbers, 555-01xx).
func TestParseNumber(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"+447700900123", "+447700900123"},
		{"+44 7700 900123", "+447700900123"},
		{"  +44-7700-900-123 ", "+447700900123"},
		{"00447700900123", "+447700900123"},
		{"00 44 7700 900123", "+447700900123"},
		{"+1 (212) 555-0123", "+12125550123"},
		{"001 (212) 555-0123", "+12125550123"},
		{"+43 (660) 1234567", "+436601234567"},
		{"+39 06 69821234", "+390669821234"}, // Italian numbers begin with 0
		{"+225 07 12 34 56 78", "+2250712345678"},
		{"+229 01 97 12 34 56", "+2290197123456"},
		{"+ 290 12345", "+29012345"}, // the shortest
		// As people paste them.
		{"\u202a+43 660 1234567\u202c", "+436601234567"}, // a contact of a phone
		{"\u200e+436601234567", "+436601234567"},
		{"tel:+436601234567", "+436601234567"},
		{"TEL:+43-660-1234567", "+436601234567"},
		{"(+43) 660 1234567", "+436601234567"},
		{"(0043) 660 1234567", "+436601234567"},
		{"(+43 660 1234567)", "+436601234567"},
		{"\uff0b43 660 1234567", "+436601234567"},
		{"\uff0b\uff14\uff13\u3000\uff16\uff16\uff10\u30fc\uff11\uff12\uff13\uff14\uff15\uff16\uff17", "+436601234567"},
		{"+\u0664\u0664\u0667\u0667\u0660\u0660\u0669\u0660\u0660\u0661\u0662\u0663", "+447700900123"},
		{"+49 30/1234567", "+49301234567"},
		{"+49 (30)/1234567", "+49301234567"},
		{"+49.30.1234567", "+49301234567"},
		{"+49.(30).1234567", "+49301234567"},
		{"+49 30/12345", "+493012345"},
		{"+43 660 1234567\n", "+436601234567"},
		{"+43 660\u00a01234567", "+436601234567"},
		{"+43\u2011660\u20111234567", "+436601234567"},
		{"\"+43 660 1234567\".", "+436601234567"},
		// Numbers whose form has changed, and which still reach the phone in the old
		// form.
		{"+52 1 55 1234 5678", "+525512345678"},
		{"+52 55 1234 5678", "+525512345678"},
		{"+52 222 123 4567", "+522221234567"},
		{"+229 97 12 34 56", "+2290197123456"},
		{"+54 9 11 2345 6789", "+5491123456789"},
		{"+54 11 2345 6789", "+541123456789"},
		{"+881612345678901", "+881612345678901"},
	} {
		n, err := phone.ParseNumber(tt.in)
		require.NoError(t, err, tt.in)
		require.Equal(t, tt.want, n.E164(), tt.in)
		again, err := phone.ParseNumber(n.E164())
		require.NoError(t, err)
		require.True(t, n == again, "numbers compare")
	}
}

func TestParseNumberRefuses(t *testing.T) {
	for _, tt := range []struct{ in, why string }{
		{"", "country code"},
		{"   ", "country code"},
		{"07700 900123", "country code"}, // of which country?
		{"447700900123", "country code"},
		{"011 44 7700 900123", "country code"}, // the North American way out
		{"999", "country code"},
		{"+", "0 digits"},
		{"00", "0 digits"},
		{"+112", "3 digits"},
		{"+4477009", "7 digits"},
		{"+4477009001234567", "16 digits"},
		{"+0447700900123", "begins with 0"},
		{"000447700900123", "begins with 0"},
		{"+44 (0)7700 900123", "in parentheses"},
		{"+44 (07700) 900123", "in parentheses"},
		// Other spellings of a number, which would escape the limits, and of a prefix to
		// which no messages go (British personal numbers, American premium ones).
		{"+44 07700 900123", "leave out the 0"},
		{"+44 070 1234 5678", "leave out the 0"},
		{"0043 0660 1234567", "leave out the 0"},
		{"+7 0916 1234567", "leave out the 0"},
		{"+353 086 123 4567", "leave out the 0"},
		{"+353 0086 123 4567", "leave out the 0"},
		{"+972 050 123 4567", "leave out the 0"},
		{"+358 040 123 4567", "leave out the 0"},
		{"+1 0900 555 0123", "leave out the 0"},
		{"+1 1900 555 0123", "ten digits"},
		{"+1 190 055 5012", "begins with 1"},
		{"+1 212 555 0123 4", "ten digits"},
		{"+1 212 555 012", "ten digits"},
		{"+7 8 916 123 4567", "ten digits"},
		{"+44 (7700 900123", "pairs"},
		{"+44 7700) 900123", "pairs"},
		{"+44 ((7700)) 900123", "pairs"},
		{"+44 (77(00) 900123", "pairs"},
		{"+((44)7700) 900123", "pairs"},
		{"+((44) 7700 900123", "pairs"},
		{"+(44 7700 900123", "pairs"},
		{"+44 (7700x 900123", "may have"},
		{"+44 () 7700900123", "pairs"},
		{"(+44 7700900123", "may have"},
		{"(+44)) 7700900123", "pairs"},
		{"++447700900123", "may have"},
		{"+44+7700900123", "may have"},
		{"+44..7700.900123", "may have"},
		{"+.447700900123", "may have"},
		{"+44/7700/900123", "may have"},
		{"+/49301234567", "may have"},
		{"+49301234567/", "may have"},
		{"+447700900123..", "may have"},
		{"+44.)7700900123", "may have"},
		{"+44(.7700)900123", "may have"},
		{"()+447700900123", "country code"},
		{"/+447700900123", "country code"},
		{"+49 30 1234567/68", "without an extension"}, // two numbers
		{"+49 30 123/4567", "without an extension"},
		{"+447700900123 ext 4", "may have"},
		{"+447700900123,,4", "may have"},
		{"tel:07700900123", "country code"},
		{"tel:+447700900123;ext=4", "may have"},
		{"sms:+447700900123", "country code"},
		{"+44770090012\uff13", "two scripts"},
		{"+447700900123\x00", "may have"},
		{"+44770090012\u00b3", "may have"},
		{"0660 1234567", "country code"}, // there is no default region
		{"+52 1 55 1234 567", "ten digits"},
		{"+52 2 55 1234 5678", "ten digits"},
		{"+52 044 55 1234 5678", "leave out the 0"},
		{"+52 1 055 123 4678", "ten digits"}, // a 0 behind the dropped 1
		{"+54 9 0 11 2345 678", "without 15"},
		{"+54 11 15 2345 6789", "without 15"},
		{"+54 9 11 15 2345 6789", "without 15"},
		{"+54 9 11 2345 678", "without 15"},
		{"+229 02 97 12 34 56", "01 and eight"},
		{"+229 1 97 12 34 56", "01 and eight"},
		{"+44 7700 900123" + strings.Repeat(" ", 114), "too long"},
		{strings.Repeat("+", 10_000_000), "too long"},
	} {
		n, err := phone.ParseNumber(tt.in)
		require.ErrorIs(t, err, phone.ErrNumber, "%.60q", tt.in)
		require.ErrorContains(t, err, tt.why, "%.60q", tt.in)
		require.True(t, n.IsZero())
		require.NotContains(t, err.Error(), "900", "an error goes to logs")
	}
}

// Country codes of ITU-T E.164 (list of assigned codes), and area codes of the
// North American plan.
func TestPrefix(t *testing.T) {
	for _, tt := range []struct{ number, country, prefix, mask string }{
		{"+436601234512", "+43", "+43", "+43 ••• ••12"},
		{"+447700900123", "+44", "+44", "+44 ••• ••23"},
		{"+79161234567", "+7", "+7", "+7 ••• ••67"},
		{"+12125550123", "+1", "+1212", "+1 ••• ••23"},
		{"+18765550100", "+1", "+1876", "+1 ••• ••00"}, // Jamaica
		{"+201001234567", "+20", "+20", "+20 ••• ••67"},
		{"+211912345678", "+211", "+211", "+211 ••• ••78"},
		{"+85291234567", "+852", "+852", "+852 ••• ••67"},
		{"+8613912345678", "+86", "+86", "+86 ••• ••78"},
		{"+3725123456", "+372", "+372", "+372 ••• ••56"},
		{"+97912345678", "+979", "+979", "+979 ••• ••78"},
	} {
		n := mustNumber(tt.number)
		require.Equal(t, tt.country, n.Country(), tt.number)
		require.Equal(t, tt.prefix, n.Prefix(), tt.number)
		require.Equal(t, tt.mask, n.String(), tt.number)
		shown, err := n.MarshalText()
		require.NoError(t, err)
		require.Equal(t, tt.mask, string(shown), "pages and logs get the mask")
	}
	var none phone.Number
	require.Equal(t, "no number", none.String())
	require.Empty(t, none.E164()+none.Country()+none.Prefix())
}

// Every code of one, two and three digits of the assignment list begins one of
// the plan's nine zones, and no code is the beginning of another.
func TestCountryIsUnambiguous(t *testing.T) {
	codes := map[string]bool{}
	for n := 10_000_000; n < 100_000_000; n += 9973 {
		if n, err := phone.ParseNumber(fmt.Sprintf("+%d", n)); err == nil { // +1 and +7 are longer
			codes[n.Country()] = true
		}
	}
	for _, n := range []string{"+12125550123", "+79161234567"} {
		codes[mustNumber(n).Country()] = true
	}
	require.Greater(t, len(codes), 300)
	for a := range codes {
		for b := range codes {
			require.False(t, a != b && strings.HasPrefix(a, b), "%s and %s", a, b)
		}
	}
}

// One phone is one number in everything that is counted or compared, whichever spelling
// is typed.
func TestSamePhone(t *testing.T) {
	for _, spellings := range [][]string{
		{"+52 1 55 1234 5678", "+52 55 1234 5678", "0052 1 55 1234 5678"},
		{"+54 9 11 2345 6789", "+54 11 2345 6789"},
		{"+54 9 2966 23 4567", "+54 2966 23 4567"},
		{"+229 97 12 34 56", "+229 01 97 12 34 56"},
		{"+43 660 1234567", "(+43) 660/1234567"},
	} {
		first := mustNumber(spellings[0])
		for _, s := range spellings {
			n := mustNumber(s)
			require.Equal(t, first.Canonical(), n.Canonical(), s)
			require.True(t, first.Same(n) && n.Same(first), s)
			_, _, err := with(t, noon, first).Add(noon, n)
			require.ErrorIs(t, err, phone.ErrKnown, s)
		}
		require.False(t, first.Same(mobile))
	}
	require.False(t, phone.Number{}.Same(phone.Number{}), "no number is no phone")
	require.Empty(t, phone.Number{}.Canonical())
	require.Equal(t, "+2250712345678", mustNumber("+225 07 12 34 56 78").Canonical(), "as long as a mobile phone of Argentina")
	// A provider is given the number that was typed.
	require.Equal(t, "+5491123456789", mustNumber("+54 9 11 2345 6789").E164())
	require.Equal(t, "+541123456789", mustNumber("+54 11 2345 6789").E164())
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"tel:+52 1 55 1234 5678", "(+229) 97.12.34/56789", "+54 9 11 2345 6789", "+43 660 1234567", "0043(660)1234567", "+44 (0)20 7946 0018", "+1 (212) 555-0123", "660 1234567", "+٤٤٧٧٠٠٩٠٠١٢٣", "+(", "+\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := phone.ParseNumber(in)
		if err != nil {
			require.ErrorIs(t, err, phone.ErrNumber)
			require.True(t, n.IsZero())
			return
		}
		require.Regexp(t, `^\+[1-9][0-9]{7,14}$`, n.E164())
		again, err := phone.ParseNumber(n.E164())
		require.NoError(t, err)
		require.True(t, n == again, "the one spelling stays")
		require.True(t, strings.HasPrefix(n.E164(), n.Prefix()))
		require.True(t, strings.HasPrefix(n.Prefix(), n.Country()))
		// Nothing was guessed: the typed text has these digits in this order, except in
		// the two plans that have changed, and before them only "+" or "00".
		text, err := typed.Append(nil, in)
		require.NoError(t, err)
		plain := strings.NewReplacer("(", "", ")", "", "/", "", ".", "").Replace(string(text))
		if len(plain) > 4 && strings.EqualFold(plain[:4], "tel:") {
			plain = plain[4:]
		}
		plain = strings.TrimPrefix(strings.TrimPrefix(plain, "00"), "+")
		if n.Country() == "+52" && len(plain) == 13 {
			plain = "52" + plain[3:]
		}
		if n.Country() == "+229" && len(plain) == 11 {
			plain = "22901" + plain[3:]
		}
		require.Equal(t, n.E164(), "+"+plain)
		require.True(t, n.Same(n))
		require.True(t, strings.HasPrefix(n.Canonical(), n.Prefix()))
		// All but the last two digits and the country are hidden.
		require.LessOrEqual(t, strings.Count(n.String(), "")-1, len("+000 ... ..00"))
	})
}

func TestDestinations(t *testing.T) {
	for _, tt := range []struct {
		name    string
		d       phone.Destinations
		number  string
		allowed bool
	}{
		{"everywhere", phone.Destinations{}, "+436601234567", true},
		{"premium rate", phone.Destinations{}, "+97912345678", false},
		{"satellite", phone.Destinations{}, "+8816123456789", false},
		{"freephone", phone.Destinations{}, "+80012345678", false},
		{"American premium", phone.Destinations{}, "+19005550123", false},
		{"American", phone.Destinations{}, "+12125550123", true},
		{"British premium", phone.Destinations{}, "+449012345678", false},
		{"British personal", phone.Destinations{}, "+447012345678", false},
		{"British mobile", phone.Destinations{}, "+447700900123", true},
		{"only", phone.Destinations{Only: []string{"+43", "+49"}}, "+491701234567", true},
		{"not only", phone.Destinations{Only: []string{"+43", "+49"}}, "+447700900123", false},
		{"only, but premium", phone.Destinations{Only: []string{"+1"}}, "+19005550123", false},
		{"only the premium", phone.Destinations{Only: []string{"+1", "+1900"}}, "+19005550123", true},
		{"only the premium first", phone.Destinations{Only: []string{"+1900", "+1"}}, "+19005550123", true},
		{"only one satellite", phone.Destinations{Only: []string{"+8816"}}, "+8816123456789", true},
		{"the other satellite", phone.Destinations{Only: []string{"+8816"}}, "+8817123456789", false},
		{"except", phone.Destinations{Except: []string{"+1876"}}, "+18765550100", false},
		{"not except", phone.Destinations{Except: []string{"+1876"}}, "+12125550123", true},
		{"except wins", phone.Destinations{Only: []string{"+18765"}, Except: []string{"+1876"}}, "+18765550100", false},
		{"mistyped exception", phone.Destinations{Except: []string{"1876"}}, "+12125550123", false},
	} {
		err := tt.d.Allow(mustNumber(tt.number))
		if tt.allowed {
			require.NoError(t, err, tt.name)
			continue
		}
		require.ErrorIs(t, err, phone.ErrDestination, tt.name)
		require.NotContains(t, err.Error(), tt.number[5:], tt.name)
	}
	require.ErrorIs(t, phone.Destinations{}.Allow(phone.Number{}), phone.ErrNumber)
	for _, bad := range []string{"", "+", "43", "+0", "+43 660", "+4３", "+1234567890123456", "0043"} {
		require.Error(t, phone.Destinations{Only: []string{bad}}.Validate(), bad)
		require.Error(t, phone.Destinations{Except: []string{bad}}.Validate(), bad)
	}
	require.NoError(t, phone.Destinations{Only: phone.ExpensivePrefixes(), Except: []string{"+1876"}}.Validate())
}
