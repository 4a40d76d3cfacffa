package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// patience bounds how long a server may take to answer after its start, on a machine that
// is busy with other tests.
const patience = 2 * time.Minute

// A spec is one kind of server.
type spec struct {
	name  string                                     // as errors call it
	setup func(s *Server) error                      // prepares the folder, once; nil: not needed
	write func(s *Server) error                      // writes the file that names the port, before each start; nil: not needed
	args  func(s *Server) []string                   // the program and its arguments; it stays in the foreground
	ready func(ctx context.Context, s *Server) error // nil as soon as the server answers
	tidy  func(s *Server) error                      // removes what a killed server leaves outside of its folder; nil: nothing
}

// A Server is one private server. Its methods are for one goroutine.
type Server struct {
	spec spec
	dir  string
	port int
	run  *process // nil while it is not running
}

// start makes the folder, chooses a port, and returns when the server answers.
func start(spec spec) (*Server, error) {
	dir, err := os.MkdirTemp("", "totpflow-server-")
	if err != nil {
		return nil, err
	}
	s := &Server{spec: spec, dir: dir}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) begin() error {
	if err := giveAway(s.dir); err != nil {
		return err
	}
	if s.spec.setup != nil {
		if err := s.spec.setup(s); err != nil {
			return fmt.Errorf("servers: %s: %w", s.spec.name, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Another program than our tests may take the port before the server does.
	var err error
	for range 3 {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.try(ctx); err == nil {
			return nil
		}
	}
	return err
}

// Dir returns the server's folder, which it may write to. Close removes it.
func (s *Server) Dir() string { return s.dir }

// Port returns the server's port on 127.0.0.1, the same after every start.
func (s *Server) Port() int { return s.port }

// Addr returns host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Start starts the server after Kill, in the same folder and on the same port, and
// returns when it answers. If a remainder of the killed server is in the way, it tries
// again.
func (s *Server) Start() error {
	if s.run != nil {
		return fmt.Errorf("servers: %s is running", s.spec.name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	for range 5 {
		if err = s.try(ctx); err == nil {
			return nil
		}
	}
	return err
}

// try starts the server once. One that does not answer is killed.
func (s *Server) try(ctx context.Context) error {
	if s.spec.write != nil {
		if err := s.spec.write(s); err != nil {
			return fmt.Errorf("servers: %s: %w", s.spec.name, err)
		}
	}
	run, err := s.launch(s.spec.args(s))
	if err != nil {
		return fmt.Errorf("servers: %s: %w", s.spec.name, err)
	}
	if err := s.await(ctx, run); err != nil {
		return errors.Join(fmt.Errorf("servers: %s: %w\n%s", s.spec.name, err, s.Log()), run.kill())
	}
	s.run = run
	return nil
}

// await waits until the server answers or has ended.
func (s *Server) await(ctx context.Context, run *process) error {
	for {
		err := s.spec.ready(ctx, s)
		if err == nil {
			return nil
		}
		select {
		case <-run.ended:
			return errors.New("it has ended")
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server and all of its processes by SIGKILL, as a power cut or
// the kernel's out-of-memory killer does, and returns when they are gone.
func (s *Server) Kill() error {
	if s.run == nil {
		return nil
	}
	run := s.run
	s.run = nil
	return run.kill()
}

// Pause freezes the server (SIGSTOP): connections stay open, and nobody answers.
func (s *Server) Pause() error {
	if s.run == nil {
		return fmt.Errorf("servers: %s is not running", s.spec.name)
	}
	return s.run.pause()
}

// Resume lets a paused server go on.
func (s *Server) Resume() error {
	if s.run == nil {
		return fmt.Errorf("servers: %s is not running", s.spec.name)
	}
	return s.run.resume()
}

// Close kills the server and removes its folder.
func (s *Server) Close() error {
	err := s.Kill()
	if s.spec.tidy != nil {
		err = errors.Join(err, s.spec.tidy(s))
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Log returns the end of the output of the server and its tools.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.logfile())
	if err != nil {
		return err.Error()
	}
	const limit = 4096
	return string(b[max(0, len(b)-limit):])
}

func (s *Server) logfile() string { return filepath.Join(s.dir, "log") }

// command returns a program that runs in the server's folder, as the server's user,
// without the settings of the person who runs the tests.
func (s *Server) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "TZ=UTC", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = attributes()
	return cmd
}

// tool runs a program to its end.
func (s *Server) tool(ctx context.Context, args ...string) error {
	out, err := s.command(ctx, args).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, out)
	}
	return nil
}

// program returns the newest of the files that match the patterns; the error names the
// Debian package that has one.
func program(debian string, patterns ...string) (string, error) {
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("servers: %s is missing: apt-get install %s", patterns[0], debian)
}

// leases reserve this process's ports against other test binaries, even while a server is
// down: sockets without a file, which end with the process.
var leases struct {
	sync.Mutex
	held []net.Listener
}

// freePort returns a port that is free now, and that no other test binary takes while
// this process lives. It is below the range of outgoing connections, so that it is still
// free when a killed server comes back.
func freePort() (int, error) {
	for range 200 {
		port := 20000 + rand.IntN(12000)
		lease, err := net.Listen("unix", "@totpflow-test-port-"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			_ = lease.Close()
			continue
		}
		leases.Lock()
		leases.held = append(leases.held, lease)
		leases.Unlock()
		return port, l.Close()
	}
	return 0, errors.New("servers: no free port")
}
