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

// A Mail is a mail to one person.
type Mail struct {
	To, Subject, Text string
	Language          string // of the text, as a BCP 47 tag
}

// A Mailer sends mails. An error means that the mail was not accepted.
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
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic replies
	msg.SetGenHeader("Content-Language", m.Language)     // RFC 3282
	msg.SetBodyString(mail.TypeTextPlain, strings.ReplaceAll(m.Text, "\n", "\r\n"))
	return msg, nil
}

// Folder is a mailer that writes each mail to a file that only the owner of the folder
// can read.
type Folder string

// Send writes the mail in a form that mail programs open.
func (f Folder) Send(_ context.Context, m Mail) error {
	msg, err := m.message()
	if err != nil {
		return err
	}
	return keep(string(f), "eml", func(w io.Writer) error { _, err := msg.WriteTo(w); return err })
}

// keep writes a file to a folder; both are accessible to their owner only. The time keeps
// the files in order, and the rest of the name keeps them apart.
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

// smtpMailer passes mails to a server.
type smtpMailer struct{ client *mail.Client }

// SMTP returns a mailer that sends through the server at host:port. Unless the server is
// on this machine, it requires TLS, because the mails hold codes and links.
func SMTP(addr string) (Mailer, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", port)
	}
	policy := mail.TLSMandatory
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		policy = mail.NoTLS
	}
	client, err := mail.NewClient(host, mail.WithPort(int(number)), mail.WithTLSPolicy(policy), mail.WithTimeout(mailPatience))
	return smtpMailer{client}, err
}

// mailPatience is how long the console waits for the mail server.
const mailPatience = 10 * time.Second

func (s smtpMailer) Send(ctx context.Context, m Mail) error {
	msg, err := m.message()
	if err != nil {
		return err
	}
	return s.client.DialAndSendWithContext(ctx, msg)
}

// refusedForGood reports whether the server will never accept this mail.
func refusedForGood(err error) bool {
	var refused *mail.SendError
	return errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500
}
