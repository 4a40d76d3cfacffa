package twilio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/twilio"
)

// The server of the example answers as Twilio's documentation says. Leave out the URL to
// reach Twilio.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]string{"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued"})
	}))
	defer server.Close()

	sender, err := twilio.New(twilio.Config{
		AccountSID: "AC00000000000000000000000000000000",
		KeySID:     "SK00000000000000000000000000000000",
		Secret:     "from your secret manager",
		From:       "+15005550006",
		URL:        server.URL,
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, via := range []phone.Via{phone.SMS, phone.Voice} {
		m := message(via) // as State.Send returned it
		fmt.Println(sender.Send(context.Background(), m))
	}
	// Output:
	// POST /2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json
	// <nil>
	// POST /2010-04-01/Accounts/AC00000000000000000000000000000000/Calls.json
	// <nil>
}
