package kannel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/kannel"
)

// The gateway of the example answers as Kannel does.
func Example() {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("X-Kannel-From"), "to", r.Header.Get("X-Kannel-To"))
		fmt.Println(strings.Map(func(c rune) rune {
			if '0' <= c && c <= '9' {
				return '#' // the code differs each time
			}
			return c
		}, string(text)))
		w.WriteHeader(http.StatusAccepted)
	}))
	defer gateway.Close()

	sender, err := kannel.New(kannel.Config{
		URL:      gateway.URL + "/cgi-bin/sendsms", // in production: http://127.0.0.1:13013/cgi-bin/sendsms
		Username: "app", Password: "from your secret manager",
		From: "Acme",
	})
	if err != nil {
		fmt.Println(err)
	}
	m := message(phone.SMS) // as State.Send returned it
	m.Sentence, m.Domain = "{code} is your Acme code.", "example.com"
	fmt.Println(sender.Send(context.Background(), m))
	// Output:
	// Acme to +447700900123
	// ###### is your Acme code.
	//
	// @example.com #######
	// <nil>
}
