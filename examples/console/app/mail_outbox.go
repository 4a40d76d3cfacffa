package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/web"
)

// Outbox is a sender of codes by phone that writes each message to a file that only the
// owner of the folder can read.
type Outbox string

// Send writes the message, or what a call would say.
func (o Outbox) Send(_ context.Context, m phone.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	text := m.Text()
	if m.Via == phone.Voice {
		text = m.Speech()
	}
	err := keep(string(o), string(m.Via), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "To: %s\n\n%s\n", m.To.E164(), text)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", phone.ErrUnavailable, err)
	}
	return nil
}

// newPhones returns how codes get to phones, or nil if they do not. A product names the
// countries that it serves in Destinations, because some people make money from messages
// that are sent to their numbers.
func newPhones(sender phone.Sender) *phone.Delivery {
	if sender == nil {
		return nil
	}
	return &phone.Delivery{Sender: sender, Compose: web.Compose}
}

// domain returns the host for which phones may fill in the code. Network addresses have
// none, and neither have sites without TLS.
func domain(site string) string {
	u, err := url.Parse(site)
	if err != nil || u.Scheme != "https" || net.ParseIP(u.Hostname()) != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
