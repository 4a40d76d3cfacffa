// Package webtest uses the pages of a product in tests as a person does. Begin with
// [Serve] and [NewBrowser]. It stores cookies in the [Browser]. It defends against tests
// that send forms that no page has: it fills in the forms that a page really has.
// Scripts, which it does not run, are left to you and a real browser.
//
//	url := webtest.Serve(t, handler)
//	ana := webtest.NewBrowser(t, url)
//	ana.Get("/signin").Submit("/signin", "email", "ana@acme.example", "password", "…")
//	ana.Page.Submit("/2fa/code", "code", phone.Code())
//
// It runs no scripts. A step that cannot be done, such as a form that is not on the
// page, fails the test at once.
package webtest
