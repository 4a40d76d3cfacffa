// Package web is the second factor as pages to mount: the second step of a sign-in,
// enrollment, recovery codes, phones, the security page, and a code before what cannot be
// undone. A product keeps its accounts, passwords and sessions, and writes four methods.
//
// Begin with [New], and put three things into the product:
//
//	pages, err := web.New(web.Config{Service: mfa, Host: host, Product: "Acme Backup"})
//	mux.Handle("/2fa/", pages.Handler())                  // the pages
//	mux.Handle("/", pages.Require(app))                   // what needs a session
//	pages.AfterPassword(w, r, user)                       // the last line of the sign-in
//
// [Web.StepUp] asks for a code before one request, [Web.PasswordChanged] belongs at the
// end of a change of the password, and Path("security") is the page to link.
//
// # What it stores
//
// Nothing on the server. Between two requests the browser has cookies of the pages: sealed
// tickets of the service, the address that a sign-in leads to, a choice of language. All of
// them are Secure, HttpOnly, SameSite=Lax and named __Host-.
//
// # Threats
//
// A page of another site can neither send a form here ([http.CrossOriginProtection])
// nor frame a page nor learn its address. A sign-in begins its session under a new token.
// An enrollment belongs to the person whose password was right last in this browser.
// Addresses to come back to are paths of this site. A form that is sent twice is
// answered once. What is up to the host is in [Host], and package hosttest tries it.
//
// # Concurrency
//
// A [Web] is safe for concurrent use, and any number of processes may serve one product.
package web
