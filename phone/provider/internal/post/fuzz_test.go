package post_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone/provider/internal/post"
)

// An accepted URL leads to where the HTTP client goes, over TLS or to this machine, and
// has no room for credentials.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{
		"https://api.twilio.com", "http://127.0.0.1:13013/cgi-bin/sendsms", "http://[::1]/", "http://localhost.evil.example/",
		"https://user:password@host/", "https://host/?token=x", "HTTP://host", "http:/host", "//host", "http://127.0.0.1@evil.example/", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if post.CheckURL(s, false) != nil {
			return
		}
		require.NoError(t, post.CheckURL(s, true))
		r, err := http.NewRequest(http.MethodPost, s, nil)
		require.NoError(t, err)
		require.Nil(t, r.URL.User)
		require.Empty(t, r.URL.RawQuery)
		require.NotEmpty(t, r.URL.Hostname())
		if !strings.EqualFold(r.URL.Scheme, "https") {
			host := r.URL.Hostname()
			ip := net.ParseIP(host)
			require.True(t, host == "localhost" || ip != nil && ip.IsLoopback(), host)
		}
	})
}
