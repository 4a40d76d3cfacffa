package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Etcd is a member of a private etcd cluster. It waits for the disk, which is the
// server's default.
type Etcd struct{ *Server }

// EtcdProgram is the path of an etcd server.
type EtcdProgram string

// BuildEtcd builds the server that the module in the folder etcd37, or another number,
// requires, and puts it into dir, which the servers' user must be able to enter. The first
// time this takes more than a minute; then Go's build cache has all but the linking.
func BuildEtcd(ctx context.Context, number, dir string) (EtcdProgram, error) {
	where, err := goTool(ctx, "list", "-f", "{{.Dir}}", "github.com/totpflow/totpflow/tests/tools/servers")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "etcd"+number)
	_, err = goTool(ctx, "-C", filepath.Join(where, "etcd"+number), "build", "-ldflags=-s -w", "-o", path, "go.etcd.io/etcd/server/v3")
	return EtcdProgram(path), err
}

// goTool runs the go command. Modules of servers are not in go.work, so it is switched off.
func goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("servers: go %s: %w\n%s", strings.Join(args, " "), err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// StartEtcd starts a cluster of one member of Debian's package, with settings such as
// "quota-backend-bytes=16777216".
func StartEtcd(settings ...string) (Etcd, error) {
	members, err := StartEtcdCluster(1, settings...)
	if err != nil {
		return Etcd{}, err
	}
	return members[0], nil
}

// StartEtcdCluster starts a cluster of Debian's package and returns when all members have
// found each other.
func StartEtcdCluster(size int, settings ...string) ([]Etcd, error) {
	server, err := program("etcd-server", "/usr/bin/etcd", "/usr/local/bin/etcd")
	if err != nil {
		return nil, err
	}
	return EtcdProgram(server).Start(size, settings...)
}

// Start starts a cluster of this program, like StartEtcdCluster.
func (p EtcdProgram) Start(size int, settings ...string) ([]Etcd, error) {
	peers, cluster := make([]string, size), make([]string, size)
	for i := range peers {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		peers[i] = fmt.Sprintf("http://127.0.0.1:%d", port)
		cluster[i] = fmt.Sprintf("member%d=%s", i, peers[i])
	}
	members, faults := make([]Etcd, size), make([]error, size)
	var wg sync.WaitGroup
	for i := range members {
		wg.Go(func() {
			args := []string{
				string(p), fmt.Sprintf("--name=member%d", i), "--listen-peer-urls=" + peers[i], "--initial-advertise-peer-urls=" + peers[i],
				"--initial-cluster=" + strings.Join(cluster, ","), "--log-level=error",
			}
			for _, setting := range settings {
				args = append(args, "--"+setting)
			}
			members[i].Server, faults[i] = start(spec{name: "etcd", ready: healthyEtcd, args: func(s *Server) []string {
				return append(args, "--data-dir="+filepath.Join(s.dir, "data"),
					"--listen-client-urls=http://"+s.Addr(), "--advertise-client-urls=http://"+s.Addr())
			}})
		})
	}
	wg.Wait()
	if err := errors.Join(faults...); err != nil {
		for _, m := range members {
			if m.Server != nil {
				err = errors.Join(err, m.Close())
			}
		}
		return nil, err
	}
	return members, nil
}

// healthyEtcd checks whether the member answers and the cluster has a leader.
func healthyEtcd(ctx context.Context, s *Server) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/health", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body) // as much of it as arrived
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	return nil
}
