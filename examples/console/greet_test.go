package main

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A person who opens the demonstration to others is warned of what that means.
func TestWarnsAwayFromLocalhost(t *testing.T) {
	for ip, warns := range map[string]bool{"127.0.0.1": false, "::1": false, "0.0.0.0": true, "::": true, "192.0.2.1": true} {
		var out bytes.Buffer
		greet(&out, &net.TCPAddr{IP: net.ParseIP(ip), Port: 8080}, greeting{db: "console.db"})
		require.Equal(t, warns, strings.Contains(out.String(), "Warning"), ip)
	}
}
