package totphttp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/totptest"
)

// Two handlers of a sign-in: the one for the password, which asks for a code, and the one
// for the code, which starts the session.
func Example() {
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	keys, _ := keyring.Parse(keyring.Generate())
	mfa, _ := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	phone := enrolled(mfa, ana, clock)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		// … the password of the form is right for ana …
		next, err := mfa.SignIn(totphttp.Context(r), ana, totphttp.TrustTokens(r)...)
		if err != nil {
			http.Error(w, "please try again", totphttp.StatusCode(w, err))
			return
		}
		switch next.Step {
		case totpflow.Passed:
			fmt.Fprint(w, "session for ", next.ID.User, " by ", next.Reason)
		case totpflow.AskCode:
			totphttp.SetChallenge(w, next.Challenge)
			fmt.Fprint(w, "the code, please")
		}
	})
	mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) {
		next, err := mfa.VerifyCode(totphttp.Context(r), totphttp.Challenge(r), r.PostFormValue("code"))
		if err != nil {
			http.Error(w, "not accepted", totphttp.StatusCode(w, err))
			return
		}
		totphttp.ClearChallenge(w)
		if browser, err := mfa.TrustBrowser(r.Context(), next.Proof, totphttp.BrowserLabel(r)); err == nil {
			totphttp.SetTrust(w, browser)
		}
		fmt.Fprint(w, "session for ", next.ID.User, " by ", next.Reason)
	})
	server := httptest.NewTLSServer(mux)
	defer server.Close()

	person := server.Client()
	person.Jar, _ = cookiejar.New(nil)
	post := func(path string, form url.Values) {
		res, err := person.PostForm(server.URL+path, form)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer res.Body.Close()
		body := make([]byte, 100)
		n, _ := res.Body.Read(body)
		fmt.Printf("%d %s\n", res.StatusCode, body[:n])
	}
	post("/signin", nil)
	post("/code", url.Values{"code": {phone.WrongCode()}})
	post("/code", url.Values{"code": {phone.Code()}})
	post("/signin", nil)

	// Output:
	// 200 the code, please
	// 403 not accepted
	//
	// 200 session for 42 by code
	// 200 session for 42 by trusted browser
}

func enrolled(mfa *totpflow.Service, u totpflow.User, clock *totptest.Clock) *totptest.Authenticator {
	ctx := httptest.NewRequest(http.MethodGet, "/", nil).Context()
	next, _ := mfa.SignIn(ctx, u)
	page, _ := mfa.BeginEnrollment(ctx, next.Challenge)
	phone, _ := totptest.ScanURI(page.Offer.URI(), clock)
	if _, err := mfa.ConfirmEnrollment(ctx, page.Token, phone.Code()); err != nil {
		panic(err)
	}
	return phone
}
