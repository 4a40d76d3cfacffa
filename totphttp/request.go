package totphttp

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/totpflow/totpflow/event"
)

// Context returns the request's context with its source, for the events: the address of the
// connection and the browser's user agent. Behind a proxy, set the address that you trust
// with [event.WithSource] instead; Context ignores such headers, since anybody can send
// one.
func Context(r *http.Request) context.Context {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	return event.WithSource(r.Context(), event.Source{Address: address, UserAgent: r.UserAgent()})
}

// BrowserLabel names the request's browser for the list of trusted browsers,
// such as "Firefox on Windows". It is a hint for its owner; no decision depends on it.
func BrowserLabel(r *http.Request) string {
	agent := r.UserAgent()
	browser := first(agent, []word{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	})
	system := first(agent, []word{
		{"Windows", "Windows"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"},
		{"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	})
	switch {
	case browser == "" && system == "":
		return "Unknown browser"
	case system == "":
		return browser
	case browser == "":
		return "Browser on " + system
	default:
		return browser + " on " + system
	}
}

// A word in a user agent, and what it means. Order matters: browsers also name those that
// they imitate.
type word struct{ in, means string }

func first(agent string, words []word) string {
	for _, w := range words {
		if strings.Contains(agent, w.in) {
			return w.means
		}
	}
	return ""
}
