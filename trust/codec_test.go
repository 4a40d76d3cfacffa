package trust_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/trust"
)

// The browsers come back as they were kept, and tokens are checked against them.
func TestEncode(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "Firefox", now.In(time.FixedZone("", 3600)))
	browser.Seen = now.Truncate(time.Second)
	_, other := trust.Issue(r, ann, strings.Repeat("é", 100), now)
	for _, known := range [][]trust.Browser{nil, {browser}, {other, browser}} {
		data, err := trust.Encode(known)
		require.NoError(t, err)
		back, err := trust.Decode(data)
		require.NoError(t, err)
		require.Equal(t, known, back)
		_, err = trust.Check(r, ann, token, back, now, trust.DefaultAge)
		require.Equal(t, known == nil, err != nil)
	}
}

// A browser that Issue did not make is not written, so that nothing is written
// that cannot be read.
func TestEncodeRefuses(t *testing.T) {
	_, r := newRing(t)
	_, good := trust.Issue(r, ann, "Firefox", now)
	for name, edit := range map[string]func(*trust.Browser){
		"no id":         func(b *trust.Browser) { b.ID = "" },
		"a long id":     func(b *trust.Browser) { b.ID += "00" },
		"capitals":      func(b *trust.Browser) { b.ID = "A" + b.ID[1:] },
		"no hex":        func(b *trust.Browser) { b.Hash = "x" + b.Hash[1:] },
		"half a digit":  func(b *trust.Browser) { b.Hash = b.Hash[1:] },
		"a long label":  func(b *trust.Browser) { b.Label = strings.Repeat("x", 81) },
		"no such year":  func(b *trust.Browser) { b.Issued = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"before year 1": func(b *trust.Browser) { b.Seen = time.Time{}.Add(-time.Hour) },
	} {
		b := good
		edit(&b)
		_, err := trust.Encode([]trust.Browser{b})
		require.ErrorIs(t, err, trust.ErrEncoding, name)
		require.NotContains(t, err.Error(), good.Hash[:8], name)
	}
	many := make([]trust.Browser, trust.MaxBrowsers+1)
	for i := range many {
		many[i] = good
	}
	_, err := trust.Encode(many)
	require.ErrorIs(t, err, trust.ErrEncoding)
}

// Bytes that Encode did not write are refused, and give no browsers.
func TestDecodeRefuses(t *testing.T) {
	_, r := newRing(t)
	_, b := trust.Issue(r, ann, "Firefox", now)
	good, err := trust.Encode([]trust.Browser{b})
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"no list":         wiretest.Raw(),
		"a cut end":       good[:len(good)-1],
		"a byte too many": append(good[:len(good):len(good)], 0),
		"another version": append([]byte{0}, good[1:]...),
		"JSON":            []byte("[]"),
	} {
		known, err := trust.Decode(data)
		require.ErrorIs(t, err, trust.ErrEncoding, name)
		require.Nil(t, known, name)
	}
}

// Bytes are the only encoding of a list, or refused.
func FuzzDecode(f *testing.F) {
	_, r := newRing(f)
	_, b := trust.Issue(r, ann, "Firefox", now)
	data, err := trust.Encode([]trust.Browser{b, b})
	require.NoError(f, err)
	f.Add(data)
	f.Add(wiretest.Raw(uint64(0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		known, err := trust.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, trust.ErrEncoding)
			require.Nil(t, known)
			return
		}
		again, err := trust.Encode(known)
		require.NoError(t, err)
		wiretest.Unchanged(t, data, again)
	})
}
