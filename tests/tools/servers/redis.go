package servers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Redis is a private Redis server of Debian's package. It waits for the disk
// before it answers (appendfsync always), which is not the server's default.
type Redis struct{ *Server }

// StartRedis starts one, with settings such as "appendfsync everysec" that follow those
// above.
func StartRedis(settings ...string) (Redis, error) {
	server, err := program("redis-server", "/usr/bin/redis-server", "/usr/local/bin/redis-server")
	if err != nil {
		return Redis{}, err
	}
	s, err := start(spec{
		name: "Redis",
		args: func(s *Server) []string {
			args := []string{
				server, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir, "--daemonize", "no",
				"--save", "", "--appendonly", "yes", "--appendfsync", "always",
				"--repl-diskless-sync-delay", "0", // tests need a replica at once
			}
			for _, setting := range settings {
				name, value, _ := strings.Cut(setting, " ")
				args = append(append(args, "--"+name), strings.Fields(value)...)
			}
			return args
		},
		ready: pingRedis,
	})
	return Redis{s}, err
}

// pingRedis pings without a client library, of which there are many. A server that is
// still reading its files answers with an error.
func pingRedis(ctx context.Context, s *Server) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if line = strings.TrimSpace(line); line != "+PONG" {
		return fmt.Errorf("it says %q", line)
	}
	return nil
}
