package phone_test

import (
	"context"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
)

// A telephone takes the place of the provider and the person's phone.
type telephone struct{ code string }

func (t *telephone) Send(_ context.Context, m phone.Message) error {
	t.code = m.Code.Digits()
	fmt.Println(m)
	return nil
}

// A number is added and verified; then it signs in, once.
func Example() {
	ctx := context.Background()
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	keys, _ := keyring.Parse(keyring.Generate())
	limits := phone.DefaultLimits().Account
	person := &telephone{}
	var s phone.State // as it was loaded

	// A person who adds a number has shown a code of the authenticator before.
	number, err := phone.ParseNumber("+44 7700 900123")
	if err != nil {
		fmt.Println(err)
	}
	s, pending, _ := s.Add(now, number)
	s, message, _ := s.SendPending(now, keys, pending.ID, phone.SMS, limits...)
	_ = person.Send(ctx, message) // after s was written
	s, added, _ := s.VerifyPending(now, keys, pending.ID, person.code)
	fmt.Println("added:", added)

	// A sign-in: the password was right.
	now = now.Add(time.Hour)
	const challenge = "the id of this sign-in"
	s, message, _ = s.Send(now, keys, added.ID, phone.Voice, challenge, limits...)
	_ = person.Send(ctx, message)
	s, used, err := s.Verify(now, keys, challenge, person.code)
	fmt.Println("passed:", used, err)
	_, _, err = s.Verify(now, keys, challenge, person.code)
	fmt.Println("again:", err)
	_, _, err = s.Send(now, keys, added.ID, phone.SMS, challenge, limits...)
	fmt.Println(err)
	// Output:
	// phone.Message(sms to +44 ••• ••23)
	// added: +44 ••• ••23
	// phone.Message(voice to +44 ••• ••23)
	// passed: +44 ••• ••23 <nil>
	// again: phone: no code was sent for this
	// phone: too many messages until 2026-03-28T10:00:30Z
}

func ExampleParseNumber() {
	for _, typed := range []string{"00 43 (660) 123-4512", "0660 1234512", "+43 (0)660 1234512"} {
		number, err := phone.ParseNumber(typed)
		fmt.Println(number, err)
	}
	// Output:
	// +43 ••• ••12 <nil>
	// no number phone: not an international telephone number: write it with + and the country code, as in +43 660 1234567
	// no number phone: not an international telephone number: leave out the part in parentheses that begins with 0
}

// The limits of a tenant are in a record of their own. Each message is counted there
// before the provider is called.
func ExampleSends_Take() {
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	limits := []phone.Limit{{N: 2, Per: time.Hour}, {N: 100, Per: 24 * time.Hour}}
	var tenant phone.Sends
	for range 3 {
		var err error
		tenant, err = tenant.Take(now, limits...)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// phone: too many messages until 2026-03-28T10:00:00Z
}

func ExampleDestinations() {
	number, _ := phone.ParseNumber("+881 6 1234 5678")
	fmt.Println(phone.Destinations{}.Allow(number))
	fmt.Println(phone.Destinations{Only: []string{"+881"}}.Allow(number))
	// Output:
	// phone: no messages to this destination: +881
	// <nil>
}
