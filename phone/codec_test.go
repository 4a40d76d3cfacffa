package phone_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/phone"
)

// A state written by hand: the fields in their order.
type (
	stateParts struct {
		phones  []phoneParts
		pending []phoneParts // one or none; without used
		code    []codeParts  // one or none
		wrong   uint64
		last    uint64
		log     []any // pairs of a distance and a number
	}
	phoneParts struct {
		id               string
		number           uint64
		via, added, used uint64
	}
	codeParts struct {
		to, challenge string
		via, sent     uint64
		mac           string // base64url
	}
)

func (s stateParts) raw() []byte {
	all := []any{uint64(len(s.phones))}
	for _, p := range s.phones {
		all = append(all, p.id, p.number, p.via, p.added, p.used)
	}
	all = append(all, uint64(len(s.pending)))
	for _, p := range s.pending {
		all = append(all, p.id, p.number, p.added)
	}
	all = append(all, uint64(len(s.code)))
	for _, c := range s.code {
		mac, _ := base64.RawURLEncoding.DecodeString(c.mac)
		all = append(all, c.to, c.challenge, c.via, c.sent, mac)
	}
	all = append(all, s.wrong, s.last, uint64(len(s.log)/2))
	return wiretest.Raw(append(all, s.log...)...)
}

// unix returns a time in seconds as it is encoded.
func unix(seconds uint64) uint64 { return 2*seconds + 1 }

// The golden states, of 2026-01-02T03:04:05Z.
const (
	goldenKeys = "totpflow-keys-1:xchacha20-poly1305:1:b6a8995c.K-zNRt6ndqgtn2tAd5a8P-rNfSs7ps5ukpYOx0GPIkc"
	sentAt     = 2*1767323045 + 1
	addedAt    = 2*1767236645 + 1
)

func signIn() stateParts {
	return stateParts{
		phones: []phoneParts{{"ID1", 447700900123, 0, addedAt, addedAt}, {"ID2", 436601234512, 1, addedAt, addedAt}},
		code:   []codeParts{{"ID2", "LdAL134CIs7YgmZUganB2Q", 0, sentAt, "tqiZXOZvSuwD-ph_TycT-n3RwNXr1tz0nXcmXmdVFbjTFo-r"}},
		wrong:  2, last: sentAt, log: []any{uint64(1767323045), uint64(1)},
	}
}

func pending() stateParts {
	return stateParts{
		pending: []phoneParts{{id: "ID1", number: 436601234512, added: sentAt}},
		code:    []codeParts{{"ID1", "", 1, sentAt, "tqiZXBMd2C4JNRk3uRYAnAhZtPHd20nEtsP0XH_ZUu83EsW-"}},
		log:     []any{uint64(1767323045), uint64(1)},
	}
}

func spent() stateParts {
	s := signIn()
	s.code, s.wrong = nil, 5
	return s
}

// A golden file has a state, and the keys and the code that its MAC was made from.
func TestGoldenStates(t *testing.T) {
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		parts           stateParts
		challenge, code string
	}{
		"zero": {}, "sign-in": {signIn(), "challenge", "591731"}, "pending": {pending(), "ID1", "499514"}, "spent": {spent(), "challenge", "591731"},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := phone.Decode(c.parts.raw())
			require.NoError(t, err)
			s := wiretest.Golden(t, filepath.Join("testdata", name), &want)
			require.Equal(t, want, s)
			wiretest.Strict(t, &s)
			verify := s.Verify
			switch name {
			case "zero":
				require.True(t, s.IsZero())
				return
			case "pending":
				verify = s.VerifyPending
			case "spent":
				_, _, err := s.Verify(at, mustRing(goldenKeys), c.challenge, "000000")
				require.Equal(t, at.Add(10*time.Minute), wait(t, at, err).Until)
				return
			}
			_, _, err = verify(at, mustRing(goldenKeys), c.challenge, wrong(c.code))
			require.ErrorIs(t, err, phone.ErrRejected)
			next, p, err := verify(at, mustRing(goldenKeys), c.challenge, c.code)
			require.NoError(t, err)
			require.Equal(t, "+436601234512", p.Number.E164())
			require.Equal(t, at, p.Used)
			require.Len(t, next.Phones(), map[string]int{"sign-in": 2, "pending": 1}[name])
		})
	}
}

// The largest state that an account can have.
func TestEncodedSize(t *testing.T) {
	longest := 0
	for _, limit := range []phone.Limit{{N: 64, Per: 366 * day}, {N: 1_000_000, Per: 366 * day}} {
		s := with(t, noon, mustNumber("+881612345678901"), mustNumber("+881612345678902"))
		s, _, err := s.Add(noon, mustNumber("+881612345678903"))
		require.NoError(t, err)
		at, challenge, m := noon, strings.Repeat("c", 1000), phone.Message{}
		for range 60 {
			at = at.Add(5 * day).Add(time.Second)
			s, m, err = s.Send(at, keys, s.Phones()[0].ID, phone.Voice, challenge, limit)
			require.NoError(t, err)
		}
		for range 4 {
			s, _, err = s.Verify(at, keys, challenge, wrong(m.Code.Digits()))
			require.ErrorIs(t, err, phone.ErrRejected)
		}
		s, _, err = s.Add(at, mustNumber("+881612345678903"))
		require.NoError(t, err)
		longest = max(longest, len(reread(t, s).Encode()))
	}
	t.Logf("%d bytes", longest)
	require.LessOrEqual(t, longest, 1<<10)

	s := with(t, noon, mobile)
	many := phone.Limit{N: 1000, Per: day}
	for range 64 - 1 {
		var err error
		s, _, err = s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "c", many)
		require.NoError(t, err)
	}
	require.ErrorIs(t, s.MaySend(noon, many), phone.ErrLimit, "of each limit 64 count at most")
}

// A state that no release wrote is refused, and the error shows nothing of a number.
func TestDecodeRefuses(t *testing.T) {
	other := func(id string) phoneParts { return phoneParts{id, 447700900456, 0, unix(1), unix(1)} }
	another := func(id string) phoneParts { return phoneParts{id, 447700900789, 0, unix(1), unix(1)} }
	for name, c := range map[string]struct {
		from func() stateParts
		edit func(*stateParts)
	}{
		"a number that is none":       {signIn, func(s *stateParts) { s.phones[0].number = 43 }},
		"a number of 16 digits":       {signIn, func(s *stateParts) { s.phones[0].number = 1_000_000_000_000_000 }},
		"a number twice":              {signIn, func(s *stateParts) { s.phones[0].number = s.phones[1].number }},
		"an ID twice":                 {signIn, func(s *stateParts) { s.phones[0].id = s.phones[1].id }},
		"no ID":                       {signIn, func(s *stateParts) { s.phones[0].id = "" }},
		"a long ID":                   {signIn, func(s *stateParts) { s.phones[0].id = strings.Repeat("I", 65) }},
		"a phone never added":         {signIn, func(s *stateParts) { s.phones[0].added = 0 }},
		"a phone by no way":           {signIn, func(s *stateParts) { s.phones[0].via = 2 }},
		"a phone never used":          {signIn, func(s *stateParts) { s.phones[0].used = 0 }},
		"a pending number twice":      {signIn, func(s *stateParts) { s.pending = []phoneParts{{"ID3", 447700900123, 0, unix(1), 0}} }},
		"a pending ID twice":          {signIn, func(s *stateParts) { s.pending = []phoneParts{other("ID1")} }},
		"a pending number without ID": {pending, func(s *stateParts) { s.pending[0].id = "" }},
		"a pending number undated":    {pending, func(s *stateParts) { s.pending[0].added = 0 }},
		"two pending numbers":         {pending, func(s *stateParts) { s.pending = append(s.pending, other("ID2")) }},
		"four phones":                 {signIn, func(s *stateParts) { s.phones = append(s.phones, other("ID3"), another("ID4")) }},
		"a pending number too many": {signIn, func(s *stateParts) {
			s.phones, s.pending = append(s.phones, other("ID3")), []phoneParts{another("ID4")}
		}},
		"a code for nobody":            {signIn, func(s *stateParts) { s.code[0].to = "ID3" }},
		"a code for no one":            {signIn, func(s *stateParts) { s.code[0].to = "" }},
		"a code without its challenge": {signIn, func(s *stateParts) { s.code[0].challenge = "" }},
		"a short challenge":            {signIn, func(s *stateParts) { s.code[0].challenge = "A" }},
		"a challenge to add":           {pending, func(s *stateParts) { s.code[0].challenge = "0123456789012345678901" }},
		"a code by fax":                {signIn, func(s *stateParts) { s.code[0].via = 2 }},
		"a code never sent":            {signIn, func(s *stateParts) { s.code[0].sent = 0 }},
		"a code to add another":        {pending, func(s *stateParts) { s.code[0].to = "ID2" }},
		"a short MAC":                  {signIn, func(s *stateParts) { s.code[0].mac = "AAAA" }},
		"six tries":                    {spent, func(s *stateParts) { s.wrong = 6 }},
		"tries undated":                {spent, func(s *stateParts) { s.last = 0 }},
		"a date of no tries":           {spent, func(s *stateParts) { s.wrong = 0 }},
		"a live code after five tries": {signIn, func(s *stateParts) { s.wrong = 5 }},
		"the code of another state":    {pending, func(s *stateParts) { s.code = signIn().code }},
		"a code to add for a phone":    {signIn, func(s *stateParts) { s.code = pending().code }},
		"a send at no time":            {signIn, func(s *stateParts) { s.log = []any{uint64(0), uint64(1)} }},
		"a send of none":               {signIn, func(s *stateParts) { s.log = []any{uint64(5), uint64(0)} }},
	} {
		parts := c.from()
		c.edit(&parts)
		s, err := phone.Decode(parts.raw())
		require.ErrorIs(t, err, phone.ErrEncoding, name)
		require.Equal(t, phone.State{}, s, name)
		require.NotContains(t, err.Error(), "6601234512", name)
	}
	_, err := phone.Decode([]byte(`{"v":1}`))
	require.ErrorIs(t, err, phone.ErrEncoding)
	require.ErrorContains(t, err, "format 123", "an operator who went back to an older program has to see why")
}

// A number that is refused today may have been accepted by an earlier version: the
// account stays readable, and its phone can be removed.
func TestDecodeWhatWasAccepted(t *testing.T) {
	_, err := phone.ParseNumber("+4407700900123")
	require.ErrorIs(t, err, phone.ErrNumber)
	parts := signIn()
	parts.phones[0].number = 4407700900123
	s, err := phone.Decode(parts.raw())
	require.NoError(t, err)
	require.Equal(t, parts.raw(), s.Encode())
	require.Equal(t, "+4407700900123", s.Phones()[0].Number.E164())
	_, err = s.Remove(s.Phones()[0].ID)
	require.NoError(t, err)
}

// Only a number that the plan of Argentina allows has another under which it counts.
func TestCanonicalOfWhatWasAccepted(t *testing.T) {
	parts := signIn()
	parts.phones[0].number = 54911234567
	s, err := phone.Decode(parts.raw())
	require.NoError(t, err)
	require.Equal(t, "+54911234567", s.Phones()[0].Number.Canonical())
}

// The stored format of sends. A change to these files is a change to every stored record:
// it requires another format.
func TestGoldenSends(t *testing.T) {
	var s phone.Sends
	var err error
	limit := phone.Limit{N: 10, Per: day}
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	for _, after := range []time.Duration{0, time.Minute, time.Minute, 3 * time.Hour} {
		s, err = s.Take(at.Add(after), limit)
		require.NoError(t, err)
	}
	require.Equal(t, s, wiretest.Golden(t, "testdata/sends", &s))
	wiretest.Strict(t, &s)
}

// sendsOf returns sends written by hand: pairs of a distance and a number.
func sendsOf(log ...any) []byte {
	return wiretest.Raw(append([]any{uint64(len(log) / 2)}, log...)...)
}

// The bounds for reading sends are those for writing them.
func TestDecodingSendsBounds(t *testing.T) {
	many := func(n int) (log []any) { return slices.Repeat([]any{uint64(1), uint64(1)}, n) }
	for name, c := range map[string]struct {
		raw  []byte
		good bool
	}{
		"none":                 {sendsOf(), true},
		"the last time":        {sendsOf(uint64(1099511627776), uint64(1)), true},
		"one after it":         {sendsOf(uint64(1099511627777), uint64(1)), false},
		"the last time by two": {sendsOf(uint64(5), uint64(1), uint64(1099511627771), uint64(1)), true},
		"one after it by two":  {sendsOf(uint64(5), uint64(1), uint64(1099511627772), uint64(1)), false},
		"the most at once":     {sendsOf(uint64(5), uint64(1000000)), true},
		"one more":             {sendsOf(uint64(5), uint64(1000001)), false},
		"none at once":         {sendsOf(uint64(5), uint64(0)), false},
		"a time twice":         {sendsOf(uint64(5), uint64(1), uint64(0), uint64(1)), false},
		"the most":             {sendsOf(many(192)...), true},
		"too many":             {sendsOf(many(193)...), false},
		"more than there are":  {wiretest.Raw(uint64(192)), false},
		"JSON":                 {[]byte(`{"v":1}`), false},
	} {
		s, err := phone.DecodeSends(c.raw)
		require.Equal(t, c.good, err == nil, "%s: %v", name, err)
		if !c.good {
			require.ErrorIs(t, err, phone.ErrEncoding, name)
			require.Zero(t, s, name)
		}
	}
}

// A state that a general encoder wrote would come back without a phone.
func TestGeneralEncodersRefuse(t *testing.T) {
	s := with(t, noon, mobile)
	sends, err := phone.Sends{}.Take(noon, free...)
	require.NoError(t, err)
	for _, v := range []any{s, &s, sends, &sends, struct{ State phone.State }{s}, struct{ Sends phone.Sends }{sends}} {
		_, err := json.Marshal(v)
		require.Error(t, err)
		require.Error(t, gob.NewEncoder(&bytes.Buffer{}).Encode(v))
	}
}

// Whatever is accepted is written back byte for byte, and can be used.
func FuzzDecode(f *testing.F) {
	for _, s := range []stateParts{{}, signIn(), pending(), spent()} {
		f.Add(s.raw())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := phone.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, phone.ErrEncoding)
			require.Equal(t, phone.State{}, s)
			return
		}
		wiretest.Unchanged(t, data, s.Encode())
		_, _, err = s.Verify(noon, keys, "c", "123456")
		require.Error(t, err)
		for _, p := range s.Phones() {
			next, _, err := s.Send(noon, keys, p.ID, phone.SMS, "c", free...)
			if err == nil {
				reread(t, next)
			}
		}
		reread(t, s.Expire(noon))
		reread(t, s.Cancel())
		reread(t, s.Clear())
	})
}

func FuzzSends(f *testing.F) {
	f.Add(sendsOf(uint64(1767323045), uint64(1), uint64(60), uint64(2), uint64(10740), uint64(1)))
	f.Add(sendsOf(uint64(1099511627776), uint64(1000000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := phone.DecodeSends(data)
		if err != nil {
			require.True(t, s.IsZero())
			return
		}
		wiretest.Unchanged(t, data, s.Encode())
		limit := phone.Limit{N: 5, Per: time.Hour}
		next, err := s.Take(noon, limit)
		if err == nil {
			require.LessOrEqual(t, len(next.Encode()), 2<<10)
			return
		}
		if w := wait(t, noon, err); !w.Until.IsZero() && w.Until.Year() < 9999 {
			require.NoError(t, s.Allow(w.Until, limit))
			require.Error(t, s.Allow(w.Until.Add(-1), limit))
		}
	})
}
