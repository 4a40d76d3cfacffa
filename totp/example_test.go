package totp_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// A server reads the key that it keeps for a user, and checks what the user types. It stores the step before it lets
// the user in.
func Example() {
	key, label, err := totp.ParseURI("otpauth://totp/Acme:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme")
	if err != nil {
		panic(err)
	}
	fmt.Println(label.Account, "at", label.Issuer)

	now := time.Unix(1111111111, 0) // time.Now()
	var last totp.Step              // out of the user's record; 0 as long as no code was used
	last, err = key.Verify("050 471", now, last, totp.Standard())
	fmt.Println(last, err)

	_, err = key.Verify("050471", now, last, totp.Standard())
	fmt.Println(errors.Is(err, totp.ErrAlreadyUsed))
	// Output:
	// alice at Acme
	// 37037037 <nil>
	// true
}

func ExampleNewKey() {
	key, err := totp.NewKey(totp.Params{})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(key.Secret()), "symbols")
	fmt.Printf("%v, also as %%#v: %#v\n", key, key)
	// Output:
	// 32 symbols
	// totp.Key([redacted]), also as %#v: totp.Key([redacted])
}

func ExampleKey_URI() {
	key, err := totp.ParseSecret("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", totp.Params{Digits: 8})
	if err != nil {
		panic(err)
	}
	uri, err := key.URI(totp.Label{Issuer: "Rock & Roll", Account: "alice@example.com"})
	fmt.Println(uri, err)
	_, err = key.URI(totp.Label{Issuer: "Acme: Bank", Account: "alice@example.com"})
	fmt.Println(err)
	// Output:
	// otpauth://totp/Rock%20%26%20Roll:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Rock%20%26%20Roll&digits=8 <nil>
	// totp: bad label: issuer contains a colon
}

func ExampleParseURI() {
	_, _, err := totp.ParseURI("otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP")
	fmt.Println(err)
	fmt.Println(errors.Is(err, totp.ErrURI), errors.Is(err, totp.ErrSecret))
	// Output:
	// totp: bad key URI: totp: bad secret: shorter than 128 bits
	// true true
}

// An export of the previous system.
func ExampleReadURI() {
	line := "OTPAUTH://totp/Old+Portal:alice+it@example.com?Secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq&issuer=Acme+Backup&image=x"
	key, label, err := totp.ReadURI(line)
	fmt.Println(key, label.Issuer, label.Account, err)
	_, _, err = totp.ParseURI(line)
	fmt.Println(err)
	// Output:
	// totp.Key([redacted]) Acme Backup alice+it@example.com <nil>
	// totp: bad key URI: does not begin with otpauth://totp/
}

func ExampleKey_VerifyPair() {
	key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{})
	if err != nil {
		panic(err)
	}
	now := time.Unix(1111111111, 0)
	first, _ := key.Code(now.Add(-30 * time.Second))
	second, _ := key.Code(now)
	step, err := key.VerifyPair(first, second, now, 0, totp.Standard())
	fmt.Println(step, err)
	_, err = key.VerifyPair(second, first, now, 0, totp.Standard())
	fmt.Println(err)
	// Output:
	// 37037037 <nil>
	// totp: code rejected
}

func ExampleKey_AppendCode() {
	key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{})
	if err != nil {
		panic(err)
	}
	line, err := key.AppendCode([]byte("code "), time.Unix(59, 0))
	fmt.Printf("%s %v\n", line, err)
	// Output: code 287082 <nil>
}
