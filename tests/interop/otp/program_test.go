package otp

import (
	"bytes"
	"context"
	"encoding/base32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// program returns the path of a program, or fails naming the Debian package that has it.
func program(t *testing.T, name, debian string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", name, debian)
	}
	return path
}

// file is program for a file that is loaded, not run.
func file(t *testing.T, pattern, debian string) string {
	found, err := filepath.Glob(pattern)
	require.NoError(t, err)
	if len(found) == 0 {
		t.Fatalf("%s is missing: apt-get install %s", pattern, debian)
	}
	return found[0]
}

// command is one run of a foreign program.
type command struct {
	path  string
	args  []string
	env   []string
	stdin string
}

// run returns what the program wrote to its standard output, what it wrote to its standard error, and how it ended.
func (c command) run(t *testing.T) (out, errout string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // not t.Context: cleanups run programs too
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = append(append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8"), c.env...)
	cmd.Stdin = strings.NewReader(c.stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return strings.TrimSpace(stdout.String()), stderr.String(), err
}

// must is run for a command that must succeed.
func (c command) must(t *testing.T) string {
	t.Helper()
	out, errout, err := c.run(t)
	require.NoError(t, err, "%s %q: %s", c.path, c.args, errout)
	return out
}

// at makes the program believe that the time is when for as long as it runs: its clock
// stands still.
func (c command) at(t *testing.T, when time.Time) command {
	c.args = append([]string{"-f", when.UTC().Format("2006-01-02 15:04:05"), c.path}, c.args...)
	c.path = program(t, "faketime", "faketime")
	return c
}

// kind is what one test draws from a fixed seed, so that a failure can be repeated.
type kind struct {
	*rand.Rand
	source *rand.ChaCha8
}

func seeded(n byte) kind {
	source := rand.NewChaCha8([32]byte{n})
	return kind{rand.New(source), source}
}

// key returns a random key: any algorithm, digits, period and length of secret.
func (k kind) key(t *testing.T) totp.Key {
	raw := make([]byte, 16+k.IntN(64))
	_, err := k.source.Read(raw)
	require.NoError(t, err)
	key, err := totp.ParseSecret(base32.StdEncoding.EncodeToString(raw), totp.Params{
		Algorithm: totp.Algorithm(k.IntN(3)),
		Digits:    6 + k.IntN(3),
		Period:    time.Duration(15+k.IntN(106)) * time.Second,
	})
	require.NoError(t, err)
	return key
}

// samples are keys with the parameters that clients support, for programs that are too
// slow for many keys.
func samples(t *testing.T) []totp.Key {
	var keys []totp.Key
	for _, p := range []totp.Params{
		{}, {Digits: 8}, {Period: time.Minute}, {Algorithm: totp.SHA256}, {Algorithm: totp.SHA512, Digits: 8, Period: time.Minute},
	} {
		key, err := totp.NewKey(p)
		require.NoError(t, err)
		keys = append(keys, key)
	}
	return keys
}

// label has characters that must be escaped, and letters beyond ASCII.
var label = totp.Label{Issuer: "Rock & Roll=1", Account: "jürgen+2@example.com"}

// newYear begins a step for every period of samples.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func code(t *testing.T, key totp.Key, at time.Time) string {
	text, err := key.Code(at)
	require.NoError(t, err)
	return text
}

func seconds(p totp.Params) string { return strconv.Itoa(int(p.Period / time.Second)) }
