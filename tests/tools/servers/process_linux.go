package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// nobody is the user that runs the servers if the tests run as root: most of them refuse
// root, and none may have its rights.
const nobody = 65534

func attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Setpgid:   true,            // Ctrl-C is for the tests, which then end the server
		Pdeathsig: syscall.SIGKILL, // no server outlives its tests
	}
	if os.Getuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return attr
}

// giveAway makes the server's user the owner of its folder.
func giveAway(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return os.Chown(dir, nobody, nobody)
}

// A process is a running server: a program and what it has started.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the program has ended
}

// launch starts the program, whose output goes to the log.
func (s *Server) launch(args []string) (*process, error) {
	log, err := os.OpenFile(s.logfile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: s.command(context.Background(), args), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the program ends, so
		// that thread waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := p.cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		_ = p.cmd.Wait() // the log says how it ended
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// kill ends the program and its children. They are stopped first: a PostgreSQL that has
// lost only its first process would let the others commit their work, which no power cut
// does.
func (p *process) kill() error {
	all := p.stop()
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.ended
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, pid := range all {
			if state, _ := stat(pid); state != 0 && state != 'Z' { // the process that reaps orphans may be slow
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("servers: %d processes do not end", left)
		}
	}
}

func (p *process) pause() error {
	p.stop()
	// The signal is on its way: a thread may still answer until the kernel has stopped
	// it, and a test would take that answer for one of a paused server.
	for range 1000 {
		if p.stopped() {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("servers: the program does not stop")
}

// stopped reports whether every thread of the program and its children stands still.
func (p *process) stopped() bool {
	for _, pid := range descendants(p.cmd.Process.Pid) {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, stat := range threads {
			text, err := os.ReadFile(stat)
			if err != nil { // ended meanwhile
				continue
			}
			if _, after, ok := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" ")); ok && after[0] != 'T' && after[0] != 'Z' && after[0] != 'X' {
				return false
			}
		}
	}
	return true
}

func (p *process) resume() error {
	for _, pid := range descendants(p.cmd.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) { // ended meanwhile
			return err
		}
	}
	return nil
}

// stop freezes the program and its children, until it finds no new ones.
func (p *process) stop() (all []int) {
	for {
		found := descendants(p.cmd.Process.Pid)
		if len(found) <= len(all) {
			return all
		}
		all = found
		for _, pid := range all {
			_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended by itself
		}
	}
}

// descendants returns the program and the processes below it.
func descendants(pid int) []int {
	children := make(map[int][]int)
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		child, _ := strconv.Atoi(filepath.Base(path))
		if _, parent := stat(child); parent != 0 {
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// stat returns the state and the parent of a process, zero if there is none.
func stat(pid int) (state byte, parent int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// The name before the last bracket may contain anything.
	if _, err := fmt.Sscanf(string(b[bytes.LastIndexByte(b, ')')+1:]), " %c %d", &state, &parent); err != nil {
		return 0, 0
	}
	return state, parent
}
