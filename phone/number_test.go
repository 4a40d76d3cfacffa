package phone_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// Numbers as people write them; the ranges are those that regulators keep for
// examples (Ofcom's drama numbers, 555-01xx).
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
		{"07700 900123", "country code"}, // whose country?
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
		// Other spellings of a number that limits count, and of a prefix that
		// messages do not go to (British personal numbers, American premium ones).
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
		{"(+44) 7700900123", "country code"},
		{"++447700900123", "may have"},
		{"+44+7700900123", "may have"},
		{"+44.7700.900123", "may have"},
		{"+44/7700/900123", "may have"},
		{"+447700900123 ext 4", "may have"},
		{"+447700900123,,4", "may have"},
		{"tel:+447700900123", "country code"},
		{"+44770090012３", "may have"},        // full-width
		{"+٤٤٧٧٠٠٩٠٠١٢٣", "may have"},        // Arabic-Indic
		{"+44\u00a07700900123", "may have"},  // a space that is none
		{"+44\u20117700900123", "may have"},  // a hyphen that is none
		{"+447700900123\n", "may have"},      // nothing may follow
		{"+447700900123\x00", "may have"},    //
		{"\u202e+447700900123", "country c"}, // turns the reading around
		{"＋447700900123", "country code"},
		{"+44 7700 900123" + strings.Repeat(" ", 26), "too long"},
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
		require.Equal(t, `"`+tt.mask+`"`, encode(t, n), "pages and logs get the mask")
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

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"+43 660 1234567", "0043(660)1234567", "+44 (0)20 7946 0018", "+1 (212) 555-0123", "660 1234567", "+٤٤٧٧٠٠٩٠٠١٢٣", "+(", "+\xff"} {
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
		// Nothing was guessed: what was typed has these digits in this order,
		// and before them "+" or "00" only.
		plain := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(in)
		plain = strings.TrimPrefix(strings.TrimPrefix(plain, "00"), "+")
		require.Equal(t, n.E164(), "+"+plain)
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
