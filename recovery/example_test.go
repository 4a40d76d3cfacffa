package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
)

// Made once, shown once; later one of them lets the person in, once.
func Example() {
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	codes, set := recovery.New(now) // store the set, show the codes
	fmt.Println(set)

	var attempts throttle.Rate
	redeem := func(typed string) error {
		var err error
		if attempts, err = attempts.Take(now, 10, time.Hour); err != nil {
			return err
		}
		digest, err := set.Derive(context.Background(), typed)
		if err != nil {
			return err
		}
		next, err := set.Redeem(now, digest)
		if err != nil {
			return err
		}
		set = next // write it before anybody is let in
		return nil
	}
	fmt.Println("right:", redeem(codes[4]))
	fmt.Println("again:", redeem(codes[4]))
	fmt.Println("wrong:", redeem("0000-0000-0000-0000"))
	fmt.Println("no code:", errors.Is(redeem("let me in"), recovery.ErrMalformed))
	fmt.Println("left:", set.Remaining())
	// Output:
	// recovery.Set(10 of 10 left)
	// right: <nil>
	// again: recovery: code rejected: already used
	// wrong: recovery: code rejected
	// no code: true
	// left: 9
}

// A help desk helps a person who has lost everything, and never sees the code.
func ExampleIssue() {
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	code, issued := recovery.Issue(now) // mail the code to the person, store the set
	fmt.Println(issued)

	now = now.Add(3 * time.Hour)
	if now.Sub(issued.Made()) >= 24*time.Hour {
		fmt.Println("too old")
		return
	}
	digest, err := issued.Derive(context.Background(), code)
	if err != nil {
		fmt.Println(err)
		return
	}
	issued, err = issued.Redeem(now, digest)
	fmt.Println(issued, err)
	// Output:
	// recovery.Set(1 of 1 left)
	// recovery.Set(0 of 1 left) <nil>
}

func ExampleNormalize() {
	code, err := recovery.Normalize("7qz4 olix 90ab h3k2")
	fmt.Println(code, err)
	// Output:
	// 7QZ4-011X-90AB-H3K2 <nil>
}

func ExampleSheet_Text() {
	sheet := recovery.Sheet{
		Issuer:  "Acme Backup",
		Account: "alice@example.com",
		Secret:  "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
		Codes:   []string{"7QZ4-011X-90AB-H3K2", "M2VC-88TN-0D5W-KJ4E", "Z9RA-PQ3F-X7B6-1HG0"},
		Made:    time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC),
	}
	fmt.Print(sheet.Text())
	// Output:
	// Recovery codes for Acme Backup
	// ==============================
	//
	// Account:  alice@example.com
	// Made on:  28 March 2026, 09:00 UTC
	//
	// When you cannot use your authenticator app, sign in with your password and
	// one of these codes. Each code works once: cross it out when you have used it.
	//
	// Keep this page where only you can find it, for example in a locked drawer or
	// in a password manager, and not on the phone that has the authenticator app.
	// Nobody who helps you will ever ask you for one of these codes.
	// When you make new codes, all of these stop working.
	//
	//    1.  7QZ4-011X-90AB-H3K2
	//    2.  M2VC-88TN-0D5W-KJ4E
	//    3.  Z9RA-PQ3F-X7B6-1HG0
	//
	// Set-up key of your authenticator app, to set up the same account on another
	// device. Anyone who has this key can make your codes: guard it like the codes.
	//
	//        GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ
}
