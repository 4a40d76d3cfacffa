package totp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// benchmarkKeys calls f for each algorithm with a key of 20 bytes.
func benchmarkKeys(b *testing.B, f func(b *testing.B, key totp.Key)) {
	for _, a := range []totp.Algorithm{totp.SHA1, totp.SHA256, totp.SHA512} {
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			f(b, parse(b, seed20, totp.Params{Algorithm: a}))
		})
	}
}

func BenchmarkVerifyAccept(b *testing.B) {
	benchmarkKeys(b, func(b *testing.B, key totp.Key) {
		at := time.Unix(now, 0)
		typed, w := code(b, key, key.Step(at)), totp.Standard()
		for b.Loop() {
			if _, err := key.Verify(typed, at, 0, w); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerifyRefuse(b *testing.B) {
	benchmarkKeys(b, func(b *testing.B, key totp.Key) {
		at, w := time.Unix(now, 0), totp.Standard()
		for b.Loop() {
			if _, err := key.Verify("000000", at, 0, w); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}

func BenchmarkAppendCode(b *testing.B) {
	benchmarkKeys(b, func(b *testing.B, key totp.Key) {
		at, dst := time.Unix(now, 0), make([]byte, 0, 8)
		for b.Loop() {
			if _, err := key.AppendCode(dst, at); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParseURI(b *testing.B) {
	uri, err := parse(b, seed20, totp.Params{}).URI(totp.Label{Issuer: "Acme Backup", Account: "alice@example.com"})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := totp.ParseURI(uri); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewKeyAndURI(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		key, err := totp.NewKey(totp.Params{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := key.URI(totp.Label{Issuer: "Acme Backup", Account: "alice@example.com"}); err != nil {
			b.Fatal(err)
		}
	}
}
