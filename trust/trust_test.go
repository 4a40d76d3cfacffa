package trust_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/trust"
)

var (
	now = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	ann = trust.Scope{Tenant: "acme", User: "ann", Audience: "console"}
)

func newRing(t testing.TB) (text string, r *keyring.Ring) {
	t.Helper()
	text = keyring.Generate()
	return text, parse(t, text)
}

func parse(t testing.TB, text string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(text)
	require.NoError(t, err)
	return r
}

func refused(t testing.TB, b trust.Browser, err, want error) {
	t.Helper()
	require.ErrorIs(t, err, trust.ErrNotTrusted)
	if want != nil {
		require.ErrorIs(t, err, want)
	}
	require.Zero(t, b)
}

func TestIssueCheck(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "Firefox on Linux", now)
	require.Len(t, string(token), 136)
	require.Regexp(t, `^[0-9a-f]{32}$`, browser.ID)
	require.Equal(t, "Firefox on Linux", browser.Label)
	require.Equal(t, now.Truncate(time.Second), browser.Issued)
	require.Zero(t, browser.Seen)

	// The record has the hash of the 32 bytes that precede the tag, which has 36.
	raw, err := base64.RawURLEncoding.DecodeString(string(token))
	require.NoError(t, err)
	sum := sha256.Sum256(raw[len(raw)-36-32 : len(raw)-36])
	require.Equal(t, hex.EncodeToString(sum[:]), browser.Hash)

	_, other := trust.Issue(r, ann, "", now)
	known := []trust.Browser{other, browser}
	got, err := trust.Check(r, ann, token, known, now, trust.DefaultAge)
	require.NoError(t, err)
	require.Equal(t, browser, got)
	require.Equal(t, []trust.Browser{other, browser}, known)

	b, err := trust.Check(r, ann, token, []trust.Browser{other}, now, trust.DefaultAge)
	refused(t, b, err, trust.ErrRevoked)
	b, err = trust.Check(r, ann, token, nil, now, trust.DefaultAge)
	refused(t, b, err, trust.ErrRevoked)
}

// Of the tokens that a browser shows, those of the person come first, then the others in
// their order. Texts that are not tokens are left out.
func TestSelect(t *testing.T) {
	_, r := newRing(t)
	issue := func(user string) trust.Token {
		token, _ := trust.Issue(r, trust.Scope{Tenant: "acme", User: user, Audience: "console"}, "", now)
		return token
	}
	ben, cid, first, dan, second := issue("ben"), issue("cid"), issue("ann"), issue("dan"), issue("ann")
	shown := []trust.Token{"no token", ben, cid, first, dan, second}
	for n, want := range [][]trust.Token{
		{},
		{first},
		{first, second},
		{first, second, ben},
		{first, second, ben, cid},
		{first, second, ben, cid, dan},
		{first, second, ben, cid, dan},
	} {
		require.Equal(t, want, append([]trust.Token{}, trust.Select(r, ann, shown, n)...), n)
	}
	require.Empty(t, trust.Select(r, ann, nil, 3))
}

func TestIssueIsRandom(t *testing.T) {
	_, r := newRing(t)
	ids, hashes := map[string]bool{}, map[string]bool{}
	for range 1000 {
		_, b := trust.Issue(r, ann, "", now)
		ids[b.ID], hashes[b.Hash] = true, true
	}
	require.Len(t, ids, 1000)
	require.Len(t, hashes, 1000)
}

// An attacker who has only the database knows ids, hashes and times. One who has only the
// key can sign, but no record has the secret.
func TestForgeWithHalf(t *testing.T) {
	_, r := newRing(t)
	real, browser := trust.Issue(r, ann, "", now)
	known := []trust.Browser{browser}
	check := func(token []byte) (trust.Browser, error) {
		return trust.Check(r, ann, trust.Token(base64.RawURLEncoding.EncodeToString(token)), known, now, trust.DefaultAge)
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(real))
	require.NoError(t, err)
	hash, err := hex.DecodeString(browser.Hash)
	require.NoError(t, err)
	id, err := hex.DecodeString(browser.ID)
	require.NoError(t, err)

	t.Run("dump only", func(t *testing.T) {
		// A ring of the attacker's own, a known id, and the hash in the secret's place.
		_, own := newRing(t)
		forged, mine := trust.Issue(own, ann, "", now)
		b, err := trust.Check(r, ann, forged, known, now, trust.DefaultAge)
		refused(t, b, err, keyring.ErrUnknownKey)
		// Even if the attacker could add the record.
		b, err = trust.Check(r, ann, forged, append(known, mine), now, trust.DefaultAge)
		refused(t, b, err, keyring.ErrUnknownKey)

		foreign, err := base64.RawURLEncoding.DecodeString(string(forged))
		require.NoError(t, err)
		for _, tag := range [][]byte{foreign[66:], slices.Concat(raw[66:70], foreign[70:]), make([]byte, 36), slices.Concat(raw[66:70], hash)} {
			b, err := check(slices.Concat(raw[:10], id, raw[26:34], hash, tag))
			refused(t, b, err, nil)
		}
	})
	t.Run("key only", func(t *testing.T) {
		// The ring signs a token that the attacker made, with any id.
		forged, _ := trust.Issue(r, ann, "", now)
		b, err := trust.Check(r, ann, forged, known, now, trust.DefaultAge)
		refused(t, b, err, trust.ErrRevoked)
		for _, secret := range [][]byte{make([]byte, 32), hash, []byte(strings.Repeat("x", 32))} {
			body := slices.Concat(raw[:10], id, raw[26:34], secret)
			tag := r.MAC("trust token", ann.Tenant, ann.User, ann.Audience, "1", string(body))
			b, err := check(slices.Concat(body, tag))
			refused(t, b, err, trust.ErrRevoked)
		}
		// The same steps with the right secret do pass: the forgery fails because of the
		// secret and not because of a mistake in this test.
		tag := r.MAC("trust token", ann.Tenant, ann.User, ann.Audience, "1", string(raw[:66]))
		_, err = check(slices.Concat(raw[:66], tag))
		require.NoError(t, err)
	})
	t.Run("tags of other purposes", func(t *testing.T) {
		for _, purpose := range []string{"trust name", "", "trust tokens"} {
			tag := r.MAC(purpose, ann.Tenant, ann.User, ann.Audience, "1", string(raw[:66]))
			b, err := check(slices.Concat(raw[:66], tag))
			refused(t, b, err, keyring.ErrBroken)
		}
	})
}

func TestEveryChangeIsRefused(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	known := []trust.Browser{browser}
	check := func(s string) {
		t.Helper()
		require.NotEqual(t, string(token), s)
		b, err := trust.Check(r, ann, trust.Token(s), known, now, trust.DefaultAge)
		refused(t, b, err, nil)
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(token))
	require.NoError(t, err)
	for bit := range 8 * len(raw) {
		b := slices.Clone(raw)
		b[bit/8] ^= 1 << (bit % 8)
		check(base64.RawURLEncoding.EncodeToString(b))
	}
	for n := range raw {
		check(base64.RawURLEncoding.EncodeToString(raw[:n]))
		check(base64.RawURLEncoding.EncodeToString(raw[n+1:]))
	}
	for i := range len(token) {
		check(string(token[:i]))
		check(string(token[i+1:]))
		check(string(token[:i] + token[i+1:]))
		check(string(token[:i] + "\n" + token[i:]))
		check(string(token[:i] + "\n" + token[i+1:]))
		for bit := range 8 {
			b := []byte(token)
			b[i] ^= 1 << bit
			check(string(b))
		}
	}
	for _, more := range []string{"A", "AA", "AAA", "AAAA", "=", "==", "\n", "\r\n", " ", "\x00", "."} {
		check(string(token) + more)
		check(more + string(token))
	}
	check(base64.StdEncoding.EncodeToString(append(raw, 0)))
	check(hex.EncodeToString(raw))
	check(string(raw))
	check(strings.ToLower(string(token)))
	check(strings.Repeat("A", 136))
	check(strings.Repeat("A", 10<<20))
	check("")
}

// Other spellings of the same bytes are not accepted.
func TestOneSpelling(t *testing.T) {
	_, r := newRing(t)
	for range 100 {
		token, browser := trust.Issue(r, ann, "", now)
		raw, err := base64.RawURLEncoding.DecodeString(string(token))
		require.NoError(t, err)
		for _, s := range []string{
			base64.URLEncoding.EncodeToString(raw) + "=",
			base64.RawStdEncoding.EncodeToString(raw),
			string(token[:68]) + "\r\n" + string(token[68:]),
		} {
			if s != string(token) {
				b, err := trust.Check(r, ann, trust.Token(s), []trust.Browser{browser}, now, trust.DefaultAge)
				refused(t, b, err, nil)
				require.Empty(t, trust.Token(s).Name())
			}
		}
	}
}

// Two tenants, two users, two audiences: only the diagonal passes, although each account
// knows each browser.
func TestScopeMatrix(t *testing.T) {
	_, r := newRing(t)
	var scopes []trust.Scope
	for _, tenant := range []string{"acme", "acmea"} {
		for _, user := range []string{"ann", "nn"} {
			for _, audience := range []string{"console", "agent"} {
				scopes = append(scopes, trust.Scope{Tenant: tenant, User: user, Audience: audience})
			}
		}
	}
	// Borders between fields, and fields that are empty.
	scopes = append(scopes,
		trust.Scope{Tenant: "ac", User: "meann", Audience: "console"},
		trust.Scope{User: "ann", Audience: "console"},
		trust.Scope{User: "ann"},
		trust.Scope{Tenant: "ann", User: "acme", Audience: "console"})
	var tokens []trust.Token
	var known []trust.Browser
	for _, s := range scopes {
		token, b := trust.Issue(r, s, "", now)
		tokens, known = append(tokens, token), append(known, b)
	}
	passed := 0
	for i, token := range tokens {
		for j, s := range scopes {
			b, err := trust.Check(r, s, token, known, now, trust.DefaultAge)
			if i == j {
				require.NoError(t, err)
				require.Equal(t, known[i], b)
				passed++
				continue
			}
			refused(t, b, err, keyring.ErrBroken)
		}
	}
	require.Equal(t, 12, passed)
}

// An unknown version is refused, even under a valid tag: an older process must not read a
// newer token by its own rules.
func TestUnknownVersion(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	for _, version := range []byte{0, 1, 2, 0xff} {
		body := decode(t, string(token))[:66]
		body[0] = version
		tag := r.MAC("trust token", ann.Tenant, ann.User, ann.Audience, "1", string(body))
		signed := trust.Token(base64.RawURLEncoding.EncodeToString(append(body, tag...)))
		b, err := trust.Check(r, ann, signed, []trust.Browser{browser}, now, trust.DefaultAge)
		if version == 1 {
			require.NoError(t, err)
			continue
		}
		refused(t, b, err, nil)
		require.Empty(t, signed.Name())
	}
}

func TestNoUserIsNeverTrusted(t *testing.T) {
	_, r := newRing(t)
	s := trust.Scope{Tenant: "acme"}
	token, browser := trust.Issue(r, s, "", now)
	b, err := trust.Check(r, s, token, []trust.Browser{browser}, now, trust.DefaultAge)
	refused(t, b, err, nil)
}

func TestKeysAndEpochs(t *testing.T) {
	text, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	known := []trust.Browser{browser}

	rotated, err := keyring.Rotate(text)
	require.NoError(t, err)
	_, err = trust.Check(parse(t, rotated), ann, token, known, now, trust.DefaultAge)
	require.NoError(t, err, "rotated: still alive")

	retired, err := keyring.Retire(rotated, r.IDs()[0])
	require.NoError(t, err)
	b, err := trust.Check(parse(t, retired), ann, token, known, now, trust.DefaultAge)
	refused(t, b, err, keyring.ErrUnknownKey)

	raised, err := keyring.RaiseEpoch(text)
	require.NoError(t, err)
	b, err = trust.Check(parse(t, raised), ann, token, known, now, trust.DefaultAge)
	refused(t, b, err, keyring.ErrBroken)
	again, fresh := trust.Issue(parse(t, raised), ann, "", now)
	_, err = trust.Check(parse(t, raised), ann, again, trust.Remember(known, fresh), now, trust.DefaultAge)
	require.NoError(t, err)
	b, err = trust.Check(r, ann, again, trust.Remember(known, fresh), now, trust.DefaultAge)
	refused(t, b, err, keyring.ErrBroken)

	for _, none := range []*keyring.Ring{nil, {}} {
		b, err = trust.Check(none, ann, token, known, now, trust.DefaultAge)
		refused(t, b, err, keyring.ErrUnknownKey)
	}
}

// If the list is stored in clear, an attacker who can write to it must not be able to
// prolong a token or to use its record for another one.
func TestRecordIsCompared(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	_, other := trust.Issue(r, ann, "", now)
	changes := map[string]func(*trust.Browser){
		"issued later":    func(b *trust.Browser) { b.Issued = b.Issued.Add(time.Second) },
		"issued earlier":  func(b *trust.Browser) { b.Issued = b.Issued.Add(-time.Second) },
		"other id":        func(b *trust.Browser) { b.ID = other.ID },
		"no id":           func(b *trust.Browser) { b.ID = "" },
		"other hash":      func(b *trust.Browser) { b.Hash = other.Hash },
		"no hash":         func(b *trust.Browser) { b.Hash = "" },
		"hash cut":        func(b *trust.Browser) { b.Hash = b.Hash[:62] },
		"hash upper case": func(b *trust.Browser) { b.Hash = "F" + b.Hash[1:] },
		"all empty":       func(b *trust.Browser) { *b = trust.Browser{} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			kept := browser
			change(&kept)
			b, err := trust.Check(r, ann, token, []trust.Browser{kept}, now, trust.DefaultAge)
			refused(t, b, err, trust.ErrRevoked)
		})
	}
	// A record with the same id in front does not hide the right one.
	wrong := browser
	wrong.Hash = other.Hash
	_, err := trust.Check(r, ann, token, []trust.Browser{wrong, browser}, now, trust.DefaultAge)
	require.NoError(t, err)
}

// Callers see one error, whatever the reason.
func TestReasonsAreDistinctInside(t *testing.T) {
	reasons := []error{trust.ErrRevoked, trust.ErrExpired, trust.ErrClock, keyring.ErrBroken, keyring.ErrUnknownKey, trust.ErrNotTrusted}
	for i, a := range reasons {
		for j, b := range reasons {
			require.Equal(t, i == j, errors.Is(a, b))
		}
	}
}
