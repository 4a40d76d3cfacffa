package totp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/totp"
)

// A key in a record has one encoding, and comes back as the same key.
func TestFields(t *testing.T) {
	for _, p := range []totp.Params{{}, {Algorithm: totp.SHA256, Digits: 8, Period: time.Minute}, {Algorithm: totp.SHA512, Digits: 7, Period: 120 * time.Second}} {
		key := parse(t, seed20, p)
		data := wiretest.Write(t, &key)
		p = key.Params()
		require.Equal(t, wiretest.Raw(uint64(p.Algorithm), uint64(p.Digits), uint64(p.Period/time.Second), string(decode(t, seed20))), data)
		require.True(t, key.Equal(wiretest.Read[totp.Key](t, data)))
		wiretest.Strict(t, &key)
	}
	_, err := wire.Encode(new(totp.Key))
	require.ErrorIs(t, err, wire.ErrMalformed)
}

func TestFieldsRefuse(t *testing.T) {
	const ten, long = "0123456789", 640
	raw := func(algorithm, digits, period uint64, secret string) []byte {
		return wiretest.Raw(algorithm, digits, period, secret)
	}
	wiretest.Read[totp.Key](t, raw(0, 6, 30, ten))
	wiretest.Read[totp.Key](t, raw(0, 6, 30, string(make([]byte, long-1))+"x"))
	for name, data := range map[string][]byte{
		"no algorithm":   raw(3, 6, 30, ten),
		"five digits":    raw(0, 5, 30, ten),
		"nine digits":    raw(0, 9, 30, ten),
		"no period":      raw(0, 6, 0, ten),
		"a long period":  raw(0, 6, 121, ten),
		"a short secret": raw(0, 6, 30, ten[1:]),
		"a long secret":  raw(0, 6, 30, string(make([]byte, long))+"x"),
		"zeros":          raw(0, 6, 30, string(make([]byte, 20))),
		"a cut secret":   raw(0, 6, 30, ten)[:13],
	} {
		require.ErrorIs(t, wire.Decode(data, new(totp.Key)), wire.ErrMalformed, name)
	}
}
