package trust_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/trust"
)

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

// FuzzCheck checks that only tokens that were issued are accepted, each for its own scope
// and within its time.
func FuzzCheck(f *testing.F) {
	r := parse(f, goldenRing)
	token, browser := trust.Issue(r, ann, "", now)
	bob := trust.Scope{Tenant: "acme", User: "bob", Audience: "console"}
	other, second := trust.Issue(r, bob, "", now)
	known := []trust.Browser{browser, second}

	f.Add(string(token), "acme", "ann", "console", int64(0), int64(trust.DefaultAge))
	f.Add(string(other), "acme", "ann", "console", int64(0), int64(trust.DefaultAge))
	f.Add(string(token)+"=", "acme", "ann", "console", int64(-31e9), int64(1))
	f.Add(strings.Repeat("A", 136), "", "", "", int64(91*24*time.Hour), int64(1<<62))
	f.Add("", "acme", "ann", "console", int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, s, tenant, user, audience string, after, maxAge int64) {
		scope := trust.Scope{Tenant: tenant, User: user, Audience: audience}
		at := browser.Issued.Add(time.Duration(after))
		b, err := trust.Check(r, scope, trust.Token(s), known, at, time.Duration(maxAge))
		inTime := maxAge > 0 && after <= min(maxAge, int64(trust.MaxAge)) && after >= -int64(30*time.Second)
		switch {
		case s == string(token) && scope == ann && inTime:
			require.NoError(t, err)
			require.Equal(t, browser, b)
		case s == string(other) && scope == bob && inTime:
			require.NoError(t, err)
			require.Equal(t, second, b)
		default:
			refused(t, b, err, nil)
		}
		if name := trust.Token(s).Name(); name != "" {
			require.Len(t, name, 12)
			require.Len(t, decode(t, s), 102)
		}
	})
}

// FuzzList drives the list by a script and compares it with a model: the tokens that pass
// are those that were not revoked, and of more than 20 the latest.
func FuzzList(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 2, 0, 3})
	f.Add([]byte(strings.Repeat("\x00", 30)))
	f.Add([]byte{0, 0, 0, 2, 4, 0, 0, 1, 3})
	r := parse(f, goldenRing)
	f.Fuzz(func(t *testing.T, script []byte) {
		var known []trust.Browser
		tokens := map[string]trust.Token{}
		var alive []string // oldest first
		at := now
		for _, op := range script[:min(len(script), 60)] {
			at = at.Add(time.Minute)
			switch {
			case op%4 == 0:
				token, b := trust.Issue(r, ann, "", at)
				known = trust.Remember(known, b)
				tokens[b.ID] = token
				alive = append(alive, b.ID)
				alive = alive[max(0, len(alive)-trust.MaxBrowsers):]
			case op%4 == 1 && len(alive) > 0:
				i := int(op/4) % len(alive)
				next, ok := trust.Revoke(known, alive[i])
				require.True(t, ok)
				known = next
				alive = append(append([]string{}, alive[:i]...), alive[i+1:]...)
			case op%4 == 2 && len(alive) > 0:
				b, err := trust.Check(r, ann, tokens[alive[0]], known, at, trust.DefaultAge)
				require.NoError(t, err)
				b.Seen = at
				known = trust.Remember(known, b)
			case op == 255:
				known, alive = nil, nil
			}
			require.ElementsMatch(t, alive, ids(known))
		}
		for id, token := range tokens {
			b, err := trust.Check(r, ann, token, known, at, trust.DefaultAge)
			if contains(alive, id) {
				require.NoError(t, err)
				require.Equal(t, id, b.ID)
				continue
			}
			refused(t, b, err, trust.ErrRevoked)
		}
	})
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func BenchmarkCheck(b *testing.B) {
	r := parse(b, goldenRing)
	var known []trust.Browser
	var token trust.Token
	for range trust.MaxBrowsers {
		var browser trust.Browser
		token, browser = trust.Issue(r, ann, "", now)
		known = trust.Remember(known, browser)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trust.Check(r, ann, token, known, now, trust.DefaultAge); err != nil {
			b.Fatal(err)
		}
	}
}
