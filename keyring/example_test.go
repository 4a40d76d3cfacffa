package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/totpflow/totpflow/keyring"
)

func Example() {
	secret := keyring.Generate() // once, then kept in a secret manager

	ring, err := keyring.Parse(secret)
	if err != nil {
		log.Fatal(err)
	}
	sealed := ring.Seal("account record", []byte("what a dump must not show"), "acme", "ann")

	plaintext, err := ring.Open("account record", sealed, "acme", "ann")
	fmt.Printf("%s, %v\n", plaintext, err)

	// The same bytes put into another user's row.
	_, err = ring.Open("account record", sealed, "acme", "bob")
	fmt.Println(err)
	// Output:
	// what a dump must not show, <nil>
	// keyring: broken seal or tag
}

func ExampleRotate() {
	before := keyring.Generate()
	after, err := keyring.Rotate(before)
	if err != nil {
		log.Fatal(err)
	}
	old, ring := must(keyring.Parse(before)), must(keyring.Parse(after))
	record := old.Seal("account record", []byte("content"), "acme", "ann")

	// The job that reseals records which are not in use.
	if ring.Stale(record) {
		plaintext := must(ring.Open("account record", record, "acme", "ann"))
		record = ring.Seal("account record", plaintext, "acme", "ann")
	}
	fmt.Println("stale:", ring.Stale(record))

	// Nothing is left under the old key.
	last, err := keyring.Retire(after, old.IDs()[0])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("keys:", len(must(keyring.Parse(last)).IDs()))
	// Output:
	// stale: false
	// keys: 1
}

func ExampleRing_VerifyMAC() {
	ring := must(keyring.Parse(keyring.Generate()))
	tag := ring.MAC("download link", "acme", "ann", "report-7")

	fmt.Println(ring.VerifyMAC("download link", tag, "acme", "ann", "report-7"))
	fmt.Println(ring.VerifyMAC("download link", tag, "acme", "ann", "report-8"))
	// Output:
	// <nil>
	// keyring: broken seal or tag
}

// pretending is not encryption at all; a real Wrapper calls a KMS.
type pretending struct{}

func (pretending) Wrap(_ context.Context, plaintext, ad []byte) ([]byte, error) {
	return append(append([]byte(nil), ad...), plaintext...), nil
}

func (pretending) Unwrap(_ context.Context, ciphertext, ad []byte) ([]byte, error) {
	if !strings.HasPrefix(string(ciphertext), string(ad)) {
		return nil, errors.New("kms: access denied")
	}
	return ciphertext[len(ad):], nil
}

func ExampleParseWrapped() {
	ctx := context.Background()
	var kms keyring.Wrapper = pretending{}

	stored, err := keyring.Wrap(ctx, kms, keyring.Generate())
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keyring.ParseWrapped(ctx, kms, stored)
	fmt.Println(len(ring.IDs()), err)
	// Output:
	// 1 <nil>
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
