package redisstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/totpflow/totpflow/store"
)

//go:embed scripts
var sources embed.FS

// A script runs on the server as one step.
type script struct {
	text string
	sum  string // what a server that has seen the script calls it
}

var (
	getScript     = compose("server", "guard", "get")
	putScript     = compose("server", "guard", "put")
	deleteScript  = compose("server", "guard", "delete")
	listScript    = compose("server", "guard", "list")
	countScript   = compose("server", "guard", "count")
	adoptScript   = compose("server", "adopt")
	createScript  = compose("server", "create")
	releaseScript = compose("server", "release")
)

// compose joins sources. They exist: they are embedded.
func compose(names ...string) script {
	var text strings.Builder
	for _, name := range names {
		b, err := sources.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err) // a wrong constant in this file
		}
		text.Write(b)
	}
	return script{text.String(), redis.NewScript(text.String()).Hash()}
}

// run makes the server run a script once, and returns its answer.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...any) ([]any, error) {
	reply, err := s.send(ctx, "EVALSHA", sc.sum, keys, args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // it does not know the script yet, so nothing has run
		return s.send(ctx, "EVAL", sc.text, keys, args)
	}
	return reply, err
}

// once is a command that the client does not send again when a connection
// breaks, as it would by default: the second Delete finds nothing and answers
// "conflict" although the first took place.
type once struct{ *redis.Cmd }

func (once) NoRetry() bool { return true }

// send runs a script. Where replicas count, it then waits for them on the same
// connection. This covers both the writes and the reads of the script: another caller who
// looks again must not read a write as successful that failed because replicas were
// missing.
func (s *Store) send(ctx context.Context, verb, what string, keys []string, args []any) ([]any, error) {
	line := append(make([]any, 0, 3+len(keys)+len(args)), verb, what, len(keys))
	for _, key := range keys {
		line = append(line, key)
	}
	cmd := once{redis.NewCmd(ctx, append(line, args...)...)}
	if s.options.Replicas == 0 {
		_ = s.client.Process(ctx, cmd) // cmd has the error
		return status(cmd.Slice())
	}
	pipe := s.client.Pipeline()
	_ = pipe.Process(ctx, cmd) // notes it
	wait := redis.NewIntCmd(ctx, "WAIT", s.options.Replicas, s.options.ReplicaWait.Milliseconds())
	_ = pipe.Process(ctx, wait)
	_, failed := pipe.Exec(ctx) // each command has its error, unless none was sent
	if cmd.Err() == nil && cmd.Val() == nil && failed != nil {
		return nil, failed
	}
	reply, err := status(cmd.Slice())
	if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	n, lost := wait.Result()
	switch {
	case lost != nil:
		return nil, lost
	case n < int64(s.options.Replicas):
		return nil, fmt.Errorf("%w: %d have it, want %d", ErrReplicas, n, s.options.Replicas)
	}
	return reply, err
}

// status turns the first word of a script's answer into an error, and returns
// the others.
func status(reply []any, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	words := make([]string, min(2, len(reply)))
	for i := range words {
		words[i], _ = reply[i].(string)
	}
	switch {
	case len(words) == 0:
	case words[0] == "done":
		return reply[1:], nil
	case words[0] == "quarantine" && len(words) == 2:
		ms, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("redisstore: the end of a quarantine: %w", err)
		}
		return nil, &QuarantineError{time.UnixMilli(ms).UTC()}
	case statuses[words[0]] != nil:
		return nil, statuses[words[0]]
	}
	return nil, errMalformed
}

var statuses = map[string]error{
	"absent":   store.ErrNotFound,
	"conflict": store.ErrConflict,
	"exists":   ErrExists,
	"format":   ErrFormat,
	"lost":     ErrLost,
	"none":     ErrNotCreated,
	"other":    errOther,
	"replica":  ErrReplica,
}
