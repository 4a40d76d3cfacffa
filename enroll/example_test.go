package enroll_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// Here key.Code plays the device. A product seals and stores what Encode returns, after
// each change and before it answers.
func Example() {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	var account enroll.Enrollment // nothing is stored yet: no second factor
	fmt.Println(account.State(now))

	key, err := totp.NewKey(totp.Params{})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, candidate, err := account.Begin(now, key, "Phone", false)
	fmt.Println(account.State(now), candidate.Name, err)

	// Show the offer: offer.PNG, offer.SVG or offer.Terminal, and offer.Secret.
	offer, err := enroll.NewOffer(candidate.Key, totp.Label{Issuer: "Acme", Account: "alice@example.com"})
	fmt.Println(offer, err)

	shown, _ := key.Code(now)
	account, done, err := account.Confirm(now, candidate.ID, shown, totp.Standard())
	fmt.Println(account.State(now), done.Authenticator.Name, err)

	_, _, err = account.Verify(now, shown, totp.Standard())
	fmt.Println(err)

	now = now.Add(time.Minute)
	shown, _ = key.Code(now)
	_, used, err := account.Verify(now, shown, totp.Standard())
	fmt.Println(used.Name, err)
	// Output:
	// disabled
	// pending Phone <nil>
	// enroll.Offer([redacted]) <nil>
	// active Phone <nil>
	// totp: code already used
	// Phone <nil>
}

// A person with a new phone: the old one works until the new one has shown a code.
func ExampleEnrollment_Begin_replace() {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	account := enrolledExample(now.Add(-time.Hour), "Old phone")
	oldKey := account.Authenticators()[0].Key

	newKey, _ := totp.NewKey(totp.Params{})
	account, candidate, _ := account.Begin(now, newKey, "New phone", false)

	oldCode, _ := oldKey.Code(now)
	account, used, err := account.Verify(now, oldCode, totp.Standard())
	fmt.Println(account.State(now), used.Name, err)

	newCode, _ := newKey.Code(now)
	account, done, err := account.Confirm(now, candidate.ID, newCode, totp.Standard())
	fmt.Println(account.State(now), done.Authenticator.Name, "for", done.Cleared[0].Name, err)
	// Output:
	// replacing Old phone <nil>
	// active New phone for Old phone <nil>
}

// Somebody in a stolen session has replaced the owner's authenticator. The owner reads
// about it in a mail and says that it was not them, and an administrator restores it.
func ExampleEnrollment_Restore() {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	account := enrolledExample(now.Add(-time.Hour), "Phone")
	ownersKey := account.Authenticators()[0].Key

	thiefsKey, _ := totp.NewKey(totp.Params{})
	account, candidate, _ := account.Begin(now, thiefsKey, "Phone", false)
	shown, _ := thiefsKey.Code(now)
	account, _, _ = account.Confirm(now, candidate.ID, shown, totp.Standard())

	now = now.Add(24 * time.Hour)
	for _, k := range account.Recoverable(now) {
		fmt.Println(k.Name, "of", k.Added.Format(time.TimeOnly), "until", k.Until.Format(time.DateTime))
	}
	account, back, cleared, err := account.Restore(now, account.Recoverable(now)[0].ID)
	fmt.Println(back.Name, "for", len(cleared), err)

	shown, _ = ownersKey.Code(now)
	_, used, err := account.Verify(now, shown, totp.Standard())
	fmt.Println(used.Name, err)
	// Output:
	// Phone of 11:00:00 until 2025-06-04 12:00:00
	// Phone for 1 <nil>
	// Phone <nil>
}

// The device's clock is three minutes ahead. The code is refused, and the person learns
// what to do about it.
func ExampleDriftError() {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	key, _ := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{})
	account, candidate, _ := enroll.Enrollment{}.Begin(now, key, "Phone", false)

	shown, _ := key.Code(now.Add(3 * time.Minute))
	_, _, err := account.Confirm(now, candidate.ID, shown, totp.Standard())
	var drift *enroll.DriftError
	if errors.As(err, &drift) {
		fmt.Println("Set your phone's clock: it is off by", drift.Off)
	}
	// Output:
	// Set your phone's clock: it is off by 3m0s
}

func ExampleOffer() {
	key, _ := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{})
	offer, err := enroll.NewOffer(key, totp.Label{Issuer: "Acme", Account: "alice"})
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := offer.PNG(0)
	fmt.Println(strings.HasPrefix(string(file), "\x89PNG"), err)
	fmt.Println(offer.SVG()[:34])
	fmt.Println(offer.Secret())
	fmt.Println(offer)
	// Output:
	// true <nil>
	// <svg xmlns="http://www.w3.org/2000
	// GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ
	// enroll.Offer([redacted])
}

func ExampleNext() {
	to, err := enroll.Next(enroll.Active, enroll.Begin)
	fmt.Println(to, err)
	_, err = enroll.Next(enroll.Pending, enroll.Verify)
	fmt.Println(err)
	fmt.Println(errors.Is(err, enroll.ErrTransition))
	// Output:
	// replacing <nil>
	// enroll: cannot verify while pending
	// true
}

func enrolledExample(at time.Time, name string) enroll.Enrollment {
	key, _ := totp.NewKey(totp.Params{})
	account, candidate, _ := enroll.Enrollment{}.Begin(at, key, name, false)
	shown, _ := key.Code(at)
	account, _, _ = account.Confirm(at, candidate.ID, shown, totp.Standard())
	return account
}
