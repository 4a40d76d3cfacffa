package trust_test

import (
	"fmt"
	"log"
	"time"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/trust"
)

func Example() {
	ring, err := keyring.Parse(keyring.Generate())
	if err != nil {
		log.Fatal(err)
	}
	scope := trust.Scope{Tenant: "acme", User: "ann", Audience: "console"}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	// Ann has shown a code and ticked "trust this browser".
	token, browser := trust.Issue(ring, scope, "Firefox on Linux", now)
	known := trust.Remember(nil, browser) // to the account's record
	cookie := string(token)               // to the browser

	// A week later, after the password.
	now = now.Add(7 * 24 * time.Hour)
	b, err := trust.Check(ring, scope, trust.Token(cookie), known, now, trust.DefaultAge)
	fmt.Println(b.Label, err)

	// She revokes it from another browser.
	known, _ = trust.Revoke(known, b.ID)
	_, err = trust.Check(ring, scope, trust.Token(cookie), known, now, trust.DefaultAge)
	fmt.Println(err)
	// Output:
	// Firefox on Linux <nil>
	// trust: not trusted: revoked or never known
}
