package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// A Mail is to one person.
type Mail struct {
	To, Subject, Text string
	Language          string // of the text, as a BCP 47 tag
}

// A Mailer sends mails. An error means that the mail was not taken.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// sender is the sender of every mail.
const sender = "Acme Backup <backup@acme.example>"

func (m Mail) message() (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(sender), msg.To(m.To)); err != nil {
		return nil, err
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers from holidays
	msg.SetGenHeader("Content-Language", m.Language)     // RFC 3282
	msg.SetBodyString(mail.TypeTextPlain, strings.ReplaceAll(m.Text, "\n", "\r\n"))
	return msg, nil
}

// Folder is a mailer that writes each mail into a file, for the owner of the
// folder alone to read.
type Folder string

// Send writes the mail as a message that mail programs open.
func (f Folder) Send(_ context.Context, m Mail) error {
	msg, err := m.message()
	if err != nil {
		return err
	}
	return keep(string(f), "eml", func(w io.Writer) error { _, err := msg.WriteTo(w); return err })
}

// keep writes a file into a folder, both for their owner alone. The time keeps the files in
// their order, the rest of the name apart.
func keep(folder, kind string, write func(io.Writer) error) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, time.Now().UTC().Format("20060102-150405.000-*.")+kind)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// smtpMailer hands mails to a server.
type smtpMailer struct{ client *mail.Client }

// SMTP returns a mailer that sends through the server at host:port. Anywhere but
// on this machine it insists on TLS: the mails hold codes and links.
func SMTP(addr string) (Mailer, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is no port", port)
	}
	policy := mail.TLSMandatory
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		policy = mail.NoTLS
	}
	client, err := mail.NewClient(host, mail.WithPort(int(number)), mail.WithTLSPolicy(policy), mail.WithTimeout(mailPatience))
	if err != nil {
		return nil, err
	}
	return smtpMailer{client}, nil
}

// mailPatience is how long somebody's request waits for the mail server.
const mailPatience = 10 * time.Second

func (s smtpMailer) Send(ctx context.Context, m Mail) error {
	msg, err := m.message()
	if err != nil {
		return err
	}
	return s.client.DialAndSendWithContext(ctx, msg)
}

// refusedForGood reports that the server will never take this mail.
func refusedForGood(err error) bool {
	var refused *mail.SendError
	return errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500
}
