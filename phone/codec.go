package phone

import (
	"errors"
	"fmt"
	"strconv"
	"unique"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/keyring"
)

// ErrEncoding means that bytes are not an encoding of this package and version.
// Treat it as "nobody is let in and nothing is sent", never as "no phone".
var ErrEncoding = errors.New("phone: not an encoding of this version")

// Encode returns the state in a binary form of at most 1 KiB. It REVEALS the
// numbers, which are personal data, and holds no code: seal it before a store sees
// it (package keyring). The form is stable and has its version inside.
func (s State) Encode() []byte {
	data, _ := wire.Encode(&s) // what the methods make is within all bounds
	return data
}

// Decode reads what [State.Encode] wrote, and nothing else: an unknown version,
// contents that contradict each other, a byte too many are all [ErrEncoding].
func Decode(data []byte) (State, error) {
	var s State
	if err := wire.Decode(data, &s); err != nil {
		return State{}, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return s, nil
}

// MarshalText always returns an error: a general encoder would write none of the state,
// and the value that is read back would have no phone. Store [State.Encode].
func (s State) MarshalText() ([]byte, error) {
	return nil, errors.New("phone: a state is stored by its Encode")
}

// Encode returns the sends in a binary form of at most 1 KiB, with its version
// inside.
func (s Sends) Encode() []byte {
	data, _ := wire.Encode(&s) // what Take makes is within all bounds
	return data
}

// DecodeSends reads what [Sends.Encode] wrote. Anything else is [ErrEncoding]:
// sends that cannot be read must not count as no sends.
func DecodeSends(data []byte) (Sends, error) {
	var s Sends
	if err := wire.Decode(data, &s); err != nil {
		return Sends{}, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return s, nil
}

// MarshalText always returns an error: a general encoder would write none of the sends,
// and the value that is read back would be empty. Store [Sends.Encode].
func (s Sends) MarshalText() ([]byte, error) {
	return nil, errors.New("phone: sends are stored by their Encode")
}

const maxID = 64 // bytes of a text that this package drew, which is shorter

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (s *State) Fields(c *wire.Coder) {
	wire.List(c, "phones", &s.phones, MaxPhones, (*Phone).fields)
	wire.Option(c, "pending", &s.pending, Pending.isZero, (*Pending).fields)
	wire.Option(c, "code", &s.live, live.isZero, (*live).parts)
	wire.Number(c, "wrong", &s.wrong, 0, MaxTries)
	c.Seconds("last", &s.last)
	c.Part("sends", &s.sends)
	c.Check(s.check())
}

func (p *Phone) fields(c *wire.Coder) {
	c.Text("id", &p.ID, maxID)
	p.Number.fields(c)
	wire.Enum(c, "via", &p.Via, []Via{SMS, Voice})
	c.Seconds("added", &p.Added)
	c.Seconds("used", &p.Used)
}

func (p *Pending) fields(c *wire.Coder) {
	c.Text("id", &p.ID, maxID)
	p.Number.fields(c)
	c.Seconds("began", &p.Began)
}

func (l *live) parts(c *wire.Coder) {
	c.Text("to", &l.to, maxID)
	c.Text("challenge", &l.challenge, maxID)
	wire.Enum(c, "via", &l.via, []Via{SMS, Voice})
	c.Seconds("sent", &l.sent)
	c.FixedText("mac", &l.mac, keyring.TagSize)
}

// The digits of the shortest and of the longest number that any version accepts.
const (
	leastNumber = 10_000_000
	mostNumber  = 999_999_999_999_999
)

// fields describes the telephone number by its digits, read as one number: the
// first is not 0. Only the length of a stored number is checked, since an account
// must stay readable when its number would be refused today.
func (n *Number) fields(c *wire.Coder) {
	var digits uint64
	if !n.IsZero() {
		digits, _ = strconv.ParseUint(n.E164()[len("+"):], 10, 64) // digits, by the parser
	}
	wire.Number(c, "number", &digits, leastNumber, mostNumber)
	if c.Reading() {
		*n = Number{unique.Make("+" + strconv.FormatUint(digits, 10))}
	}
}

// check verifies the invariants that every method keeps.
func (s *State) check() error {
	ids, numbers := map[string]bool{"": true}, map[Number]bool{}
	strange := func(id string, n Number) bool {
		taken := ids[id] || numbers[n]
		ids[id], numbers[n] = true, true
		return taken
	}
	for _, p := range s.phones {
		if strange(p.ID, p.Number) || p.Added.IsZero() || p.Used.IsZero() {
			return errors.New("bad phone")
		}
	}
	pending := !s.pending.isZero()
	if pending && (strange(s.pending.ID, s.pending.Number) || s.pending.Began.IsZero()) || s.pending != (Pending{}) && !pending {
		return errors.New("bad pending number")
	}
	switch l := s.live; {
	case pending && len(s.phones) == MaxPhones:
		return errors.New("too many phones")
	case (s.wrong == 0) != s.last.IsZero():
		return errors.New("bad count")
	case l == live{}:
		return nil
	case s.wrong == MaxTries, l.sent.IsZero(),
		l.challenge == "" && (!pending || l.to != s.pending.ID),
		l.challenge != "" && (len(l.challenge) != len(tag("")) || s.index(l.to) < 0):
		return errors.New("bad code")
	}
	return nil
}

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (s *Sends) Fields(c *wire.Coder) {
	last := int64(0)
	wire.List(c, "log", &s.log, maxEntries, func(e *entry, c *wire.Coder) {
		after := e.at - last
		wire.Number(c, "after", &after, 1, maxTime)
		wire.Number(c, "sends", &e.n, 1, maxCount)
		if last += after; last > maxTime {
			c.Check(errors.New("a time out of range"))
		}
		if c.Reading() {
			e.at = last
		}
	})
}
