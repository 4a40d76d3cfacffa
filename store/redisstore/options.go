package redisstore

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Options of a [Store]. The zero value is the safe choice for one server.
type Options struct {
	// Prefix begins every key, "totpflow:" by default. It separates stores that share a
	// database, and must not contain control characters. All processes of a product use
	// the same one.
	Prefix string

	// Durability is what the server must promise. The default is [Always].
	Durability Durability

	// Replicas is how many replicas must have received what a call wrote or read before
	// it returns, by Redis' WAIT; otherwise it returns [ErrReplicas]. With n replicas,
	// n/2 rounded up makes a majority with the primary, and a primary that a network
	// fault has cut off from the others then accepts no code. The default is 0. It
	// reduces the losses of a failover only a little; see the package documentation.
	Replicas int

	// ReplicaWait is how long a call waits for the replicas, in whole milliseconds. The
	// default is one second. It must be shorter than the client's ReadTimeout, which is
	// three seconds by default.
	ReplicaWait time.Duration

	// Quarantine is how long the store refuses all calls after the server has restarted
	// or was promoted. The default and minimum is five minutes: as long as a code of 30
	// seconds can be within the widest window (nine periods), and as long as a proof is
	// valid. If authenticators have longer periods, set it to nine of them, 18 minutes
	// for 120 seconds.
	Quarantine time.Duration

	// Now is the clock that quarantines are measured by, safe for concurrent
	// use. Nil is time.Now.
	Now func() time.Time
}

const (
	defaultPrefix = "totpflow:"
	minQuarantine = 5 * time.Minute
)

// Durability is how much of what a server acknowledges it may lose when it crashes.
// Losses of a failover are another matter; see the package documentation.
type Durability int

const (
	// Always: nothing. The server waits for the disk before it acknowledges
	// (appendonly yes, appendfsync always, no-appendfsync-on-rewrite no).
	Always Durability = iota

	// EverySecond also accepts appendfsync everysec: up to two seconds of acknowledged
	// writes are lost when the machine stops. Codes accepted in them cannot be used
	// again, because the quarantine outlasts them. But a recovery code used in them can
	// be used again, a browser revoked in them is trusted again, a reset or a replaced
	// authenticator is undone, and guesses are forgotten.
	EverySecond

	// Vouched checks none of these settings, for services that refuse CONFIG. The host
	// vouches that the service keeps acknowledged writes. If it does not, the losses
	// described at EverySecond go back to the last snapshot, or include everything.
	Vouched
)

// String returns the name of the constant.
func (d Durability) String() string {
	switch d {
	case Always:
		return "Always"
	case EverySecond:
		return "EverySecond"
	case Vouched:
		return "Vouched"
	}
	return fmt.Sprintf("Durability(%d)", int(d))
}

// complete returns o with its defaults.
func (o Options) complete() (Options, error) {
	o.Prefix = cmp.Or(o.Prefix, defaultPrefix)
	o.Quarantine = cmp.Or(o.Quarantine, minQuarantine)
	o.ReplicaWait = cmp.Or(o.ReplicaWait, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case strings.ContainsFunc(o.Prefix, unicode.IsControl):
		return o, fmt.Errorf("%w: Prefix contains a control character", ErrOptions)
	case o.Durability < Always || o.Durability > Vouched:
		return o, fmt.Errorf("%w: Durability is %v", ErrOptions, o.Durability)
	case o.Replicas < 0:
		return o, fmt.Errorf("%w: Replicas is negative", ErrOptions)
	case o.ReplicaWait < time.Millisecond: // 0 would mean to WAIT for ever
		return o, fmt.Errorf("%w: ReplicaWait is shorter than a millisecond", ErrOptions)
	case o.Quarantine < minQuarantine:
		return o, fmt.Errorf("%w: Quarantine is shorter than %v", ErrOptions, minQuarantine)
	}
	return o, nil
}
