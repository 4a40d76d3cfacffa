package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/web"
)

// logMessages says that there was a message. Neither what stood in it nor, in
// full, to whom: the log has more readers than the phone.
type logMessages struct{}

func (logMessages) Send(ctx context.Context, m phone.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	slog.InfoContext(ctx, "message, not sent", "via", string(m.Via), "to", m.To)
	return nil
}

// Outbox is a sender of codes by phone that writes each message into a file,
// for the owner of the folder alone to read.
type Outbox string

// Send writes the message, and what a call would say.
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

// newPhones is how codes get to phones. A product names the countries that it
// serves in Destinations: numbers that pay anyone who sends to them are a business.
func (c *console) newPhones(sender phone.Sender) *phone.Delivery {
	if sender == nil {
		sender = logMessages{}
	}
	return &phone.Delivery{Sender: sender, Compose: func(ctx context.Context, m phone.Message) phone.Message {
		m = web.Compose(ctx, m)
		m.Domain = domain(c.url)
		return m
	}}
}

// domain is the host that phones may fill the code in for. Addresses of the
// network have none, and neither have sites without TLS.
func domain(site string) string {
	u, err := url.Parse(site)
	if err != nil || u.Scheme != "https" || net.ParseIP(u.Hostname()) != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
