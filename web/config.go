package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
)

// ErrConfig is wrapped by every error of [New] about a configuration.
var ErrConfig = errors.New("web: configuration")

// A Config configures the pages. Service, Host and Product are required.
type Config struct {
	// Service makes all decisions.
	Service *totpflow.Service

	// Host has the accounts, the passwords and the sessions.
	Host Host

	// Product is the product's name, as the pages show it.
	Product string

	// Prefix is the path that [Web.Handler] is mounted under, such as "/account/2fa".
	// The default is "/2fa".
	Prefix string

	// SignIn is the path of the host's sign-in page. The default is "/signin".
	SignIn string

	// Home is the page after a sign-in that began at no other page. The default is "/".
	Home string

	// Cookies is a word in the names of the cookies. Two products on two ports of one
	// host need different ones, since cookies do not know ports. The default is
	// "totpflow".
	Cookies string

	// KeepGeneration stores the generation of an account with the host's user; [Host]
	// returns it from there in the [Session]'s User. It must never replace a larger one.
	// The library then notices a record that was deleted or put back. If nil, no
	// generation is kept, and [New] logs a warning.
	KeepGeneration func(ctx context.Context, id totpflow.AccountID, generation uint64) error

	// Token makes a session for a program without cookies, whose requests show it as
	// "Authorization: Bearer …" and which [Host].Session and End must then accept. The
	// context and the decision are as those of Begin. Nil: there is no JSON API.
	Token func(ctx context.Context, d totpflow.Decision) (token string, expires time.Time, err error)

	// Accounts returns all accounts of the same person, such as those at the partner
	// portal and at the product. The security page offers to enroll each of them, with
	// its own password. Nil: no others are shown.
	Accounts func(ctx context.Context, id totpflow.AccountID) ([]totpflow.User, error)

	// AccountName returns the name of an account, for the page behind a mail's link,
	// where nobody is signed in. Nil: the page does not name the account. Neither does it
	// after an error, which is logged.
	AccountName func(ctx context.Context, id totpflow.AccountID) (string, error)

	// Source returns the address that a request comes from, for the list of events.
	// Behind a proxy, return the address that the proxy reports. Nil is the address of
	// the connection.
	Source func(r *http.Request) event.Source

	// TrustedOrigins lists other sites that may send forms here, such as
	// "https://idp.example": a single sign-on that posts to the handler that ends with
	// [Web.AfterPassword].
	TrustedOrigins []string

	// Layout writes a page with the host's header and navigation around it, and
	// links Page.Head in its head. Nil is the template layout.html.
	Layout func(w http.ResponseWriter, r *http.Request, p Page) error

	// ContentSecurityPolicy replaces the pages' own, which allows scripts, styles
	// and pictures of the product's origin only. Set it if Layout needs more.
	ContentSecurityPolicy string

	// Templates replaces templates one by one: a file code.html in it is used
	// instead of the module's, and so on. See [Templates].
	Templates fs.FS

	// Catalogues has files such as de.json or fr.json: they change texts of an existing
	// language, or add a language. See [Catalogues].
	Catalogues fs.FS

	// Language returns the language of a request, such as "de". Nil is the language
	// that the person chose at the foot of a page, otherwise the one that the browser
	// asks for.
	Language func(r *http.Request) string

	// Calls allows codes by phone to be read out in a call.
	Calls bool

	// Domain is the host name of the pages, such as "backup.example". An SMS then has a
	// last line by which phones fill the code in on that site and on no other. It is not
	// taken from the request, in which a person who knows a password could name a
	// look-alike site. If it is empty, the SMS has no such line.
	Domain string

	// Log gets errors that a page cannot explain. Nil is [slog.Default].
	Log *slog.Logger

	// Now is the clock. Nil is time.Now. Use that of the service in tests.
	Now func() time.Time
}

// host is what a phone.Message takes as its domain.
var host = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

var word = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// complete returns the configuration with its defaults, or an error.
func (c Config) complete() (Config, error) {
	c.Prefix = strings.TrimSuffix(orDefault(c.Prefix, "/2fa"), "/")
	c.SignIn, c.Home = orDefault(c.SignIn, "/signin"), orDefault(c.Home, "/")
	c.Cookies = orDefault(c.Cookies, "totpflow")
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Service == nil:
		return c, fmt.Errorf("%w: Service is missing", ErrConfig)
	case c.Host == nil:
		return c, fmt.Errorf("%w: Host is missing", ErrConfig)
	case strings.TrimSpace(c.Product) == "":
		return c, fmt.Errorf("%w: Product is missing", ErrConfig)
	case c.Domain != "" && !host.MatchString(c.Domain):
		return c, fmt.Errorf("%w: Domain is %q; it must be a host name in lower case, without a port", ErrConfig, c.Domain)
	case !word.MatchString(c.Cookies):
		return c, fmt.Errorf("%w: Cookies is %q; it must have only lower case letters, digits and hyphens", ErrConfig, c.Cookies)
	}
	for _, p := range []struct{ name, path string }{{"Prefix", c.Prefix}, {"SignIn", c.SignIn}, {"Home", c.Home}} {
		if u, err := url.Parse(p.path); local(p.path) != p.path || err != nil || u.Path != p.path && p.name == "Prefix" {
			return c, fmt.Errorf("%w: %s is %q; it must be a path of this site, such as /account", ErrConfig, p.name, p.path)
		}
	}
	return c, nil
}

func orDefault(value, other string) string {
	if value == "" {
		return other
	}
	return value
}
