// Package webtest tries the pages of a product as a person does: a [Browser] keeps
// cookies, follows redirects, and fills in and sends the forms that a page really has.
//
//	url := webtest.Serve(t, handler)
//	ana := webtest.NewBrowser(t, url)
//	ana.Get("/signin").Submit("/signin", "email", "ana@acme.example", "password", "…")
//	ana.Page.Submit("/2fa/code", "code", phone.Code())
//
// It runs no scripts. A step that cannot be done, such as a form that is not on the
// page, fails the test at once.
package webtest
