package race

import (
	"net"
	"sync"
)

// A Cable connects a store to its server, and can be cut anywhere.
type Cable struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	fault Fault
	left  int           // bytes until the fault; -1: none is armed
	cut   bool          // the fault has come
	come  chan struct{} // closed when it comes
	conns map[net.Conn]bool
}

// NewCable listens on a loopback port and connects to target.
func NewCable(target string) (*Cable, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Cable{listener: l, target: target, left: -1, conns: make(map[net.Conn]bool)}
	go c.accept()
	return c, nil
}

// Addr returns the address for the store to connect to.
func (c *Cable) Addr() string { return c.listener.Addr().String() }

// Close ends all connections.
func (c *Cable) Close() error {
	err := c.listener.Close()
	c.Heal()
	return err
}

// Arm makes the fault come after a number of bytes, and closes come when it does. From
// then on the server cannot be reached at all, until Heal.
func (c *Cable) Arm(f Fault, after int) (come <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault, c.left, c.come = f, after, make(chan struct{})
	c.look()
	return c.come
}

// Heal ends all connections, lets new ones through, and reports whether the
// fault had come.
func (c *Cable) Heal() (cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cut = c.cut
	c.left, c.cut = -1, false
	c.end()
	return cut
}

// look makes the fault come if it is due. The caller has locked mu.
func (c *Cable) look() {
	if c.left != 0 || c.cut {
		return
	}
	c.cut = true
	close(c.come)
	if !c.fault.Silent {
		c.end()
	}
}

func (c *Cable) end() {
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

func (c *Cable) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mu.Lock()
		if c.cut && !c.fault.Silent {
			_, _ = client.Close(), server.Close()
		} else {
			c.conns[client], c.conns[server] = true, true
			go c.forward(server, client, false)
			go c.forward(client, server, true)
		}
		c.mu.Unlock()
	}
}

func (c *Cable) forward(to, from net.Conn, answers bool) {
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !c.pass(to, buffer[:n], answers) {
			return
		}
	}
}

// pass writes what still gets through, under the lock, so that nothing does after the
// fault.
func (c *Cable) pass(to net.Conn, b []byte, answers bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return c.fault.Silent
	}
	counts := c.left >= 0 && c.fault.Answers == answers
	if counts {
		b = b[:min(len(b), c.left)]
	}
	if _, err := to.Write(b); err != nil {
		return false
	}
	if counts {
		c.left -= len(b)
		c.look()
	}
	return true
}
