package post_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/post"
)

const secret = "your code is 123456"

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// refused asserts that the error is one of package phone's and reveals nothing.
func refused(t *testing.T, err, want error, s *httptest.Server) {
	t.Helper()
	require.ErrorIs(t, err, want)
	require.NotContains(t, err.Error(), "123456")
	if s != nil {
		require.NotContains(t, err.Error(), "/path")
	}
}

func TestPost(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Own")+" "+string(body))
	})
	status, answer, err := post.New(nil, 0).Post(t.Context(), s.URL+"/path", http.Header{"X-Own": {"header"}}, secret)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status)
	require.Equal(t, "POST /path header "+secret, string(answer))
}

// A redirect would send the code, and the credentials in other headers than
// Authorization, to any address that the answer names.
func TestNoRedirects(t *testing.T) {
	elsewhere := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the code went elsewhere") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		own := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		got, _, err := post.New(own, 0).Post(t.Context(), s.URL+"/path", http.Header{}, secret)
		require.NoError(t, err)
		require.Equal(t, status, got)
		require.NoError(t, own.CheckRedirect(nil, nil), "the host's client stays as it is")
	}
}

func TestNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, _, err := post.New(nil, time.Hour).Post(ctx, s.URL+"/path", http.Header{}, secret)
	refused(t, err, phone.ErrUnavailable, s)
	require.ErrorIs(t, err, context.Canceled)

	_, _, err = post.New(nil, time.Nanosecond).Post(t.Context(), s.URL+"/path", http.Header{}, secret)
	refused(t, err, phone.ErrUnavailable, s)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	half := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	_, _, err = post.New(nil, 0).Post(t.Context(), half.URL+"/path", http.Header{}, secret)
	refused(t, err, phone.ErrUnavailable, half)

	cut := server(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, _, err = post.New(nil, 0).Post(t.Context(), cut.URL+"/path", http.Header{}, secret)
	refused(t, err, phone.ErrUnavailable, cut)

	gone := httptest.NewServer(nil)
	gone.Close()
	_, _, err = post.New(nil, 0).Post(t.Context(), gone.URL+"/path", http.Header{}, secret)
	refused(t, err, phone.ErrUnavailable, gone)
}

// It tries once: the provider may have sent a message although the request failed.
func TestOnce(t *testing.T) {
	var tries atomic.Int32
	s := server(t, func(http.ResponseWriter, *http.Request) {
		tries.Add(1)
		panic(http.ErrAbortHandler)
	})
	_, _, err := post.New(nil, 0).Post(t.Context(), s.URL, http.Header{}, secret)
	require.ErrorIs(t, err, phone.ErrUnavailable)
	require.EqualValues(t, 1, tries.Load())
}

func TestBadRequest(t *testing.T) {
	for _, to := range []string{"http://\x00/123456", "://123456"} {
		_, _, err := post.New(nil, 0).Post(t.Context(), to, http.Header{}, secret)
		refused(t, err, phone.ErrProvider, nil)
	}
	_, _, err := post.New(nil, 0).Post(t.Context(), "http://127.0.0.1:1/", http.Header{"X-Own": {"123456\n"}}, secret)
	refused(t, err, phone.ErrUnavailable, nil)
}

func TestLongAnswer(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a", 4<<20)) })
	_, answer, err := post.New(nil, 0).Post(t.Context(), s.URL, http.Header{}, secret)
	require.NoError(t, err)
	require.Len(t, answer, 64<<10)
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"https://sms.example/send", "https://sms.example", "http://127.0.0.1:13013/cgi-bin/sendsms", "http://[::1]:8080/", "http://localhost/"} {
		require.NoError(t, post.CheckURL(good, false), good)
	}
	for _, bad := range []string{
		"", "sms.example", "/send", "https://", "ftp://sms.example/", "http://sms.example/", "http://10.0.0.7/", "http://127.0.0.1.evil.example/",
		"http://localhost.evil.example/", "https://user:secret@sms.example/", "https://sms.example/?password=secret", "https://sms.example/#x", "http://\x00",
	} {
		err := post.CheckURL(bad, false)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "secret")
	}
	require.NoError(t, post.CheckURL("http://10.0.0.7/send", true))
	require.Error(t, post.CheckURL("ftp://10.0.0.7/send", true))
}
