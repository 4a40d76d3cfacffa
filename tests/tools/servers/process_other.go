//go:build !linux

package servers

import (
	"errors"
	"syscall"
)

var errLinux = errors.New("servers: private servers run on Linux only")

func attributes() *syscall.SysProcAttr { return nil }

func giveAway(string) error { return errLinux }

type process struct{ ended chan struct{} }

func (s *Server) launch([]string) (*process, error) { return nil, errLinux }

func (p *process) kill() error   { return errLinux }
func (p *process) pause() error  { return errLinux }
func (p *process) resume() error { return errLinux }
