package otp

import (
	"testing"
	"time"

	theirs "github.com/pquerna/otp/totp"

	"github.com/totpflow/totpflow/totp"
)

// BenchmarkRefuse is a wrong code at a window of one step in either direction. Compare the two of one run.
func BenchmarkRefuse(b *testing.B) {
	at := time.Unix(1111111111, 0)
	for _, a := range []totp.Algorithm{totp.SHA1, totp.SHA256, totp.SHA512} {
		key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{Algorithm: a})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(a.String()+"/totpflow", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Verify("000000", at, 0, totp.Standard()); err == nil {
					b.Fatal("accepted")
				}
			}
		})
		b.Run(a.String()+"/pquerna", func(b *testing.B) {
			b.ReportAllocs()
			secret, opts := key.Secret(), options(key.Params(), 1)
			for b.Loop() {
				if ok, _ := theirs.ValidateCustom("000000", secret, at, opts); ok {
					b.Fatal("accepted")
				}
			}
		})
	}
}
