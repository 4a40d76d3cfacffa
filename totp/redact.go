package totp

import (
	"fmt"
	"io"
	"log/slog"
)

// The methods of this file make a printed Key readable. They do not protect the secret:
// the closure does, even where no method is called.

const redacted = "totp.Key([redacted])"

// String returns a fixed text without the secret.
func (k Key) String() string { return redacted }

// Format writes the same text as [Key.String] for every verb and flag.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns the text of [Key.String] for log/slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns the text of [Key.String], so that JSON and the like show it. That
// text cannot be decoded into a Key. To store a key, seal the string of [Key.URI].
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }
