// Command console is a small backup console with two-factor sign-in, to try out and to
// copy from. Run it and open http://127.0.0.1:8080:
//
//	go run ./examples/console
//
// Everything worth copying is in package app, next to this file, which starts and stops
// the console.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/kannel"
	"github.com/totpflow/totpflow/phone/provider/twilio"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("console", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on")
	path := flags.String("db", "console.db", "database file; the keys are next to it, in <db>.keys")
	require := flags.Bool("require", false, "require two-factor authentication of everyone, whatever administrators set")
	smtp := flags.String("smtp", "", "mail server, as host:port; without one, mails are written to the folder <db>.mail")
	gateway := flags.String("sms-kannel", "", "sendsms address of a Kannel gateway for codes by SMS, with its user and password in KANNEL_USER and KANNEL_PASSWORD; without it and -sms-twilio, messages are written to the folder of the mails")
	number := flags.String("sms-twilio", "", "number that Twilio sends codes by SMS and calls from, with the account in TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
	site := flags.String("url", "", "address of the console in mails; by default the one that it listens on")
	_ = flags.Parse(args) // ExitOnError

	// Listen first: a second console must not touch the files of the first one.
	listener, err := net.Listen("tcp", *addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another address with -addr", *addr)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", *addr, err)
	}
	defer listener.Close()

	keys, made, err := loadKeys(*path)
	if err != nil {
		return err
	}
	db, err := app.Open(*path)
	if err != nil {
		return fmt.Errorf("cannot open the database %s: %w", *path, err)
	}
	defer db.Close()
	folder := *path + ".mail"
	o := app.Options{
		DB: db, Keys: keys, Require: *require, URL: cmp.Or(*site, "http://"+listener.Addr().String()),
		Mail: app.Folder(folder), NoCalls: *gateway != "",
	}
	if *smtp != "" {
		if o.Mail, err = app.SMTP(*smtp); err != nil {
			return fmt.Errorf("cannot use the mail server %s: %w", *smtp, err)
		}
	}
	if o.Phones, err = sender(*gateway, *number, folder); err != nil {
		return fmt.Errorf("cannot use -sms-kannel or -sms-twilio: %w", err)
	}
	console, err := app.New(o)
	if err != nil {
		return fmt.Errorf("cannot use the database %s: %w", *path, err)
	}

	greet(out, listener.Addr(), greeting{db: *path, keys: made, mails: cmp.Or(*smtp, folder), codes: cmp.Or(*gateway, *number, folder), require: *require})
	go console.Run(ctx)
	return serve(ctx, listener, console)
}

// sender sends codes by SMS, and calls where it can. The secrets of its account must not
// appear in a list of processes.
func sender(gateway, number, folder string) (phone.Sender, error) {
	from, err := phone.ParseNumber(number) // a sender id could not call
	switch {
	case gateway != "" && number != "":
		return nil, errors.New("choose one of them")
	case gateway != "":
		return kannel.New(kannel.Config{URL: gateway, Username: os.Getenv("KANNEL_USER"), Password: os.Getenv("KANNEL_PASSWORD")})
	case number != "" && err != nil:
		return nil, err
	case number != "":
		return twilio.New(twilio.Config{AccountSID: os.Getenv("TWILIO_ACCOUNT_SID"), Secret: os.Getenv("TWILIO_AUTH_TOKEN"), From: from.E164()})
	}
	return app.Outbox(folder), nil
}

// serve answers until ctx ends, then lets the requests and mails under way finish.
func serve(ctx context.Context, listener net.Listener, console *app.Console) error {
	server := &http.Server{
		Handler: console, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close() // a connection is still busy
	}
	_ = console.Drain(grace) // mails that are not sent by then are sent after the next start
	return nil
}

// A greeting is what the program prints at the start: where data, mails and codes by phone go,
// and the key file, if it was made just now.
type greeting struct {
	db, mails, codes, keys string
	require                bool
}

func greet(out io.Writer, addr net.Addr, g greeting) {
	fmt.Fprintf(out, "Acme Backup, a console with two-factor sign-in by totpflow\n\n  Open      http://%s\n", addr)
	label := "Sign in"
	for _, a := range app.DemoAccounts {
		fmt.Fprintf(out, "  %-8s  %-18s  password %s  %s\n", label, a.Email, a.Password, a.What)
		label = ""
	}
	setUp := "set by administrators under Accounts; optional until then"
	if g.require {
		setUp = "required, set up at the first sign-in"
	}
	fmt.Fprintf(out, "  2FA       %s\n  Database  %s\n  Mails to  %s\n  Codes to  %s\n", setUp, g.db, g.mails, g.codes)
	if g.keys != "" {
		fmt.Fprintf(out, "  Keys      %s, made just now, readable only by you (mode 0600).\n"+
			"            Without it, nobody with 2FA can sign in. In production, keep the keys\n"+
			"            apart from the database, in the environment variable %s.\n", g.keys, keysVariable)
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprintf(out, "\n  Warning: others can reach this address, and the passwords above are public. Browsers\n"+
			"  keep its cookies only on localhost or over TLS.\n")
	}
	fmt.Fprintf(out, "\nPress Ctrl-C to stop it.\n")
}
