package enroll_test

import (
	"encoding/base32"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// noon is ten seconds into a step of 30 seconds.
var noon = time.Date(2025, 6, 1, 12, 0, 10, 0, time.UTC)

// Keys with fixed secrets. No output may contain them.
var (
	keyA = mustKey("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{}) // RFC 6238, Appendix B
	keyB = mustKey("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", totp.Params{})
	keyC = mustKey("KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU", totp.Params{})
	keyD = mustKey("MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK", totp.Params{})
	keyE = mustKey("NRXW4Z3FOJTWK3TFNRXW4Z3FOJTWK3TF", totp.Params{})
	keyF = mustKey("OBZGS3TUMVSGY2LTOBZGS3TUMVSGY2LT", totp.Params{})
	key8 = mustKey("PFXXK4TTNFWWC3DBPFXXK4TTNFWWC3DB", totp.Params{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute})
)

// weakKey has 80 bits, as many systems have issued.
var weakKey = mustWeak("KRSXG5CTMVRXEZLU")

func mustWeak(secret string) totp.Key {
	key, err := totp.ReadSecret(secret, totp.Params{})
	if err != nil {
		panic(err)
	}
	return key
}

func mustKey(secret string, p totp.Params) totp.Key {
	key, err := totp.ParseSecret(secret, p)
	if err != nil {
		panic(err)
	}
	return key
}

// hexOf returns the secret as the JSON view of a record shows it.
func hexOf(k totp.Key) string { return hex.EncodeToString(rawOf(k)) }

func rawOf(k totp.Key) []byte {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(k.Secret())
	if err != nil {
		panic(err)
	}
	return raw
}

// code returns what the person's device shows.
func code(t testing.TB, k totp.Key, at time.Time) string {
	c, err := k.Code(at)
	require.NoError(t, err)
	return c
}

func begin(t testing.TB, e enroll.Enrollment, at time.Time, k totp.Key) enroll.Enrollment {
	e, _, err := e.Begin(at, k, "", false)
	require.NoError(t, err)
	return e
}

// enrolled returns an account with these keys live.
func enrolled(t testing.TB, at time.Time, keys ...totp.Key) enroll.Enrollment {
	var e enroll.Enrollment
	for _, k := range keys {
		e = add(t, e, at, k, "")
	}
	return e
}

// add enrolls one more authenticator beside those that are live.
func add(t testing.TB, e enroll.Enrollment, at time.Time, k totp.Key, name string) enroll.Enrollment {
	e, c, err := e.Begin(at, k, name, true)
	require.NoError(t, err)
	e, _, err = e.Confirm(at, c.ID, code(t, k, at), totp.Standard())
	require.NoError(t, err)
	return e
}

// otherCode returns a code of the right form that none of the keys has in any step near
// at.
func otherCode(t testing.TB, at time.Time, keys ...totp.Key) string {
next:
	for _, c := range []string{"000000", "000001", "000002", "000003"} {
		for _, k := range keys {
			for off := -15 * time.Hour; off <= 15*time.Hour; off += k.Params().Period {
				if code(t, k, at.Add(off)) == c {
					continue next
				}
			}
		}
		return c
	}
	t.Fatal("no code is free")
	return ""
}
