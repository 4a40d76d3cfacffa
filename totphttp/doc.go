// Package totphttp keeps the tokens of the second factor in a browser's cookies, through
// net/http. Begin with [Context] and [TrustTokens] at the sign-in. It stores cookies in
// the browser, and nothing on the server. It defends against cookies that scripts read,
// other hosts set or plain http carries. Your sessions, and forms that other sites send,
// are left to you.
//
// The challenge of a sign-in under way, the token of an enrollment page and the tokens of
// trusted browsers have a cookie each.
//
// [Context] tells the service where a request comes from. Use [TrustTokens] for SignIn,
// [SetChallenge] and [Challenge] between the password and the code, and [SetTrust] when
// the person ticks "trust this browser". [StatusCode] turns the service's errors into
// status codes.
//
// All cookies are Secure, HttpOnly, SameSite=Lax, for the path /, and have the prefix
// __Host-, which browsers honour by refusing them from any other host, path or an
// insecure connection (RFC 6265bis §4.1.3.2). Chrome, Edge and Firefox treat plain http
// on localhost as secure, so that development works without TLS. Safari does not and
// drops them (WebKit bug 281149): there every sign-in ends as totpflow.ErrChallenge, and
// development needs TLS or another browser.
//
// The package is the only one that imports net/http: command line programs do
// not pay for it. Its functions are safe for concurrent use.
package totphttp
