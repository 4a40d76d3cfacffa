// Package web has ready-made pages for the second factor, to mount in a product. Begin
// with [New]. It stores nothing on the server, and sealed tickets in cookies. It defends
// against forms of other sites, shared browsers, copied cookies and open sessions.
// Accounts, passwords and sessions are left to you: they are the four methods of a
// [Host].
//
// The pages are the second step of a sign-in, enrollment, recovery codes, phones, the
// security page, and a code before actions that cannot be undone.
//
// Put three things into the product:
//
//	pages, err := web.New(web.Config{Service: mfa, Host: host, Product: "Acme Backup", KeepGeneration: host.keepGeneration})
//	mux.Handle("/2fa/", pages.Handler())                  // the pages
//	mux.Handle("/", pages.Require(app))                   // what needs a session
//	pages.AfterPassword(w, r, user)                       // the last line of the sign-in
//
// [Web.StepUp] asks for a code before one request, [Web.PasswordChanged] belongs at the
// end of a change of the password, and Path("security") is the page to link to.
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
// Return addresses are paths of this site. A form that is sent twice takes effect once.
// [Host] describes what the host must do, and package hosttest tests it.
//
// # Concurrency
//
// A [Web] is safe for concurrent use, and any number of processes may serve one product.
package web
