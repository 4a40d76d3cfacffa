package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// maxLocal bounds an address that is kept in a cookie.
const maxLocal = 2048

// local returns the address if it is a path of this site, and otherwise "".
// Browsers take a backslash for a slash, drop tabs and line ends, and read two
// slashes as the beginning of another site: all of these are refused, not repaired.
func local(to string) string {
	if len(to) > maxLocal || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsFunc(to, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return ""
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return ""
	}
	return to
}

// address returns the address of the request as the browser knows it, even behind
// [http.StripPrefix]. Behind a router that does not clean paths, it may begin with two
// slashes: a form with that address would send its code to another site.
func address(r *http.Request) string {
	if to := local(r.RequestURI); to != "" {
		return to
	}
	return "/" + strings.TrimLeft(r.URL.RequestURI(), "/")
}

// referrer returns the page of this site that the request was made on; without one, "".
func referrer(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host || u.Path == "" {
		return ""
	}
	return local(u.RequestURI())
}

// navigates reports whether the request is for a page that a person opens. A picture or a
// script's call is not a page to come back to.
func navigates(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html")
}
