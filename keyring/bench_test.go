package keyring_test

import (
	"testing"

	"github.com/totpflow/totpflow/keyring"
)

// A record of 2 KiB is about the largest that an account can have.
var record = make([]byte, 2<<10)

func BenchmarkSeal(b *testing.B) {
	for suite, s := range both(keyring.Generate()) {
		b.Run(suite, func(b *testing.B) {
			r := mustParse(b, s)
			b.ReportAllocs()
			for b.Loop() {
				r.Seal("account record", record, "acme", "ann")
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for suite, s := range both(keyring.Generate()) {
		b.Run(suite, func(b *testing.B) {
			r := mustParse(b, s)
			sealed := r.Seal("account record", record, "acme", "ann")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Open("account record", sealed, "acme", "ann"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMAC(b *testing.B) {
	r := mustParse(b, keyring.Generate())
	b.ReportAllocs()
	for b.Loop() {
		r.MAC("trust token", "acme", "ann", "console")
	}
}

func BenchmarkVerifyMAC(b *testing.B) {
	r := mustParse(b, keyring.Generate())
	tag := r.MAC("trust token", "acme", "ann", "console")
	b.ReportAllocs()
	for b.Loop() {
		if err := r.VerifyMAC("trust token", tag, "acme", "ann", "console"); err != nil {
			b.Fatal(err)
		}
	}
}
