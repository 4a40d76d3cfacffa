// Package adminweb has pages for administrators, to mount next to those of package web.
// Begin with [New]. It stores the name of an open window in a cookie. It defends against
// open sessions of administrators, and against clicks that do something other than they
// say: a page names each change and asks for a code. Who administers whom, the list of
// users and mail are left to you, in a [Directory] and a [Config].
//
//	office, err := adminweb.New(adminweb.Config{Web: pages, Admin: admin.New(mfa, rule), Directory: directory})
//	mux.Handle("/2fa-admin/", office.Handler())
//
// It shows who has enrolled, who is locked out, what happened to an account, which
// requests are pending for a second administrator and what the spray detector has found.
// It sets a tenant's policy. It resets, restores, unlocks, exempts and erases accounts,
// one or many at once. It shows no secret.
//
// The pages work without scripts, and speak the languages of package web.
package adminweb
