// Package post posts to the HTTP interfaces of message providers, in the way that
// phone.Sender requires: once, in time, to nobody else, and without the message in any
// error.
package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/totpflow/totpflow/phone"
)

// DefaultTimeout is how long a provider may take.
const DefaultTimeout = 10 * time.Second

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// A Client posts to one provider.
type Client struct {
	http    *http.Client
	timeout time.Duration
}

// New returns a client that uses base, or http.Client's defaults for nil, and
// gives up after timeout, or [DefaultTimeout] for zero. It follows no redirects:
// 307 and 308 would send the code on to any address that the answer names.
func New(base *http.Client, timeout time.Duration) *Client {
	if base == nil {
		base = &http.Client{}
	}
	own := *base
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &Client{&own, timeout}
}

// Post sends body to a URL, which is not the place for a code: proxies and
// servers log it. It returns the status and the beginning of the answer; the
// error is phone.ErrUnavailable, or phone.ErrProvider for a request that cannot be
// made at all.
func (c *Client) Post(ctx context.Context, to string, header http.Header, body string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: the URL is malformed", phone.ErrProvider)
	}
	req.Header = header
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", phone.ErrUnavailable, withoutURL(err))
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", phone.ErrUnavailable, err)
	}
	return res.StatusCode, answer, nil
}

// withoutURL returns the error inside a *url.Error: a URL may hold an account.
func withoutURL(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		return with.Err
	}
	return err
}

// CheckURL returns an error unless s is an absolute URL of https, or of http to this
// machine or where the host permits plain text.
func CheckURL(s string, plain bool) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "":
		return errors.New("the URL is not scheme, host and path")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("the URL's scheme is %q", u.Scheme)
	case plain || local(u.Hostname()):
		return nil
	}
	return errors.New("http to another machine would send codes and credentials in clear")
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
