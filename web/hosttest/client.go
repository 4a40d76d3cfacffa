package hosttest

import (
	"crypto/tls"
	"net/http"
)

// insecure talks to a test server, whose certificate nobody has signed.
func insecure() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // a test server of this process
}
