package redisstore_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// fake is a server that answers scripts as it is told, to do what a healthy Redis never
// does. It answers other commands with "OK".
type fake struct {
	script func() string // an answer on the wire; "" breaks the connection
	info   string        // what INFO says

	mu    sync.Mutex
	asked []string // scripts, by the command that ran them
	waits []string // the commands WAIT
}

func (f *fake) client(t *testing.T) *redis.Client {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var over sync.WaitGroup
	over.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			over.Go(func() { f.serve(conn) })
		}
	})
	client := redis.NewClient(&redis.Options{Addr: l.Addr().String()})
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, l.Close())
		over.Wait()
	})
	return client
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		words, err := command(r)
		if err != nil {
			return
		}
		answer := "+OK\r\n"
		switch strings.ToUpper(words[0]) {
		case "HELLO":
			answer = "-ERR unknown command\r\n"
		case "INFO":
			answer = bulk(f.info)
		case "EVAL", "EVALSHA":
			f.mu.Lock()
			f.asked = append(f.asked, words[0])
			f.mu.Unlock()
			answer = f.script()
		case "WAIT":
			f.mu.Lock()
			f.waits = append(f.waits, strings.Join(words, " "))
			f.mu.Unlock()
			answer = ":1\r\n"
		}
		if answer == "" {
			return
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

func (f *fake) scripts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fake) waited() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waits
}

// command reads an array of strings.
func command(r *bufio.Reader) ([]string, error) {
	n, err := number(r, '*')
	if err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		size, err := number(r, '$')
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		words[i] = string(b[:size])
	}
	return words, nil
}

func number(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("fake: unexpected %q", line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

// array encodes the answer of a script.
func array(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		b.WriteString(bulk(w))
	}
	return b.String()
}
