package web

import (
	"fmt"
	"io"
	"log/slog"
)

// Pages that show a secret, or a code as a person has typed it, print a placeholder: a host
// that logs the data of a template while it writes its own does not write the secret down.

// Format implements [fmt.Formatter], for every verb.
func (p Page) Format(f fmt.State, _ rune)         { redact(f, "Page") }
func (p SetupPage) Format(f fmt.State, _ rune)    { redact(f, "SetupPage") }
func (p SheetPage) Format(f fmt.State, _ rune)    { redact(f, "SheetPage") }
func (p RecoveryPage) Format(f fmt.State, _ rune) { redact(f, "RecoveryPage") }
func (p IssuedPage) Format(f fmt.State, _ rune)   { redact(f, "IssuedPage") }

// LogValue implements [slog.LogValuer].
func (p Page) LogValue() slog.Value         { return slog.StringValue(fmt.Sprint(p)) }
func (p SetupPage) LogValue() slog.Value    { return slog.StringValue(fmt.Sprint(p)) }
func (p SheetPage) LogValue() slog.Value    { return slog.StringValue(fmt.Sprint(p)) }
func (p RecoveryPage) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }
func (p IssuedPage) LogValue() slog.Value   { return slog.StringValue(fmt.Sprint(p)) }

func redact(f fmt.State, name string) { _, _ = io.WriteString(f, "web."+name+"(redacted)") }
