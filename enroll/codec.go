package enroll

import (
	"errors"
	"fmt"
	"math"

	"github.com/totpflow/totpflow/internal/wire"
)

// ErrEncoding means that bytes are not an encoded [Enrollment] that this version
// understands. Treat it as "nobody is let in", never as "not enrolled".
var ErrEncoding = errors.New("enroll: not an encoded enrollment of this version")

// The longest of each text, in bytes. This package itself makes shorter ones.
const (
	maxIDBytes   = 64
	maxNameBytes = 4 * MaxName
)

// Encode returns the enrollment in a binary form, of at most 5 KiB. It REVEALS
// the secrets: seal it before a store sees it (package keyring), with the
// account's id as associated data. The form is stable and has its version inside.
func (e Enrollment) Encode() []byte {
	data, _ := wire.Encode(&e) // what the methods make is within all bounds
	return data
}

// Decode reads what [Enrollment.Encode] wrote, and nothing else: a version or a state
// that it does not know, a key that totp refuses, contents that do not fit the state, and
// a trailing byte are all [ErrEncoding].
func Decode(data []byte) (Enrollment, error) {
	var e Enrollment
	if err := wire.Decode(data, &e); err != nil {
		return Enrollment{}, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return e, nil
}

// MarshalText always returns an error: a general encoder would write none of the
// enrollment, and the value that is read back would have no second factor. Store
// [Enrollment.Encode].
func (e Enrollment) MarshalText() ([]byte, error) {
	return nil, errors.New("enroll: an enrollment is stored by its Encode")
}

// states lists the states in the order of their numbers in the encoding.
var states = []State{Disabled, Pending, Active, Replacing, ResetPending, Exempted}

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (e *Enrollment) Fields(c *wire.Coder) {
	state := e.stored()
	wire.Enum(c, "state", &state, states)
	wire.List(c, "authenticators", &e.live, MaxAuthenticators, (*Authenticator).fields)
	wire.Option(c, "candidate", &e.candidate, Candidate.IsZero, (*Candidate).fields)
	wire.List(c, "kept", &e.kept, MaxAuthenticators, (*shelved).fields)
	wire.List(c, "retired", &e.retired, maxRetired, (*retired).fields)
	c.Millis("reset", &e.reset)
	c.Bool("lapsed", &e.lapsed)
	if c.Reading() && state != Disabled { // a zero Enrollment is read as a zero Enrollment
		e.state = state
	}
	c.Check(e.check())
}

func (a *Authenticator) fields(c *wire.Coder) {
	c.Text("id", &a.ID, maxIDBytes)
	c.Text("name", &a.Name, maxNameBytes)
	a.Key.Fields(c)
	wire.Number(c, "last", &a.Last, 0, math.MaxInt64)
	c.Millis("added", &a.Added)
	c.Millis("used", &a.Used)
	c.Millis("weak_until", &a.Until)
}

func (c *Candidate) fields(w *wire.Coder) {
	w.Text("id", &c.ID, maxIDBytes)
	w.Text("name", &c.Name, maxNameBytes)
	c.Key.Fields(w)
	w.Millis("began", &c.Began)
	w.Bool("adds", &c.Adds)
}

func (k *shelved) fields(c *wire.Coder) {
	k.Authenticator.fields(c)
	c.Millis("until", &k.until)
}

func (r *retired) fields(c *wire.Coder) {
	r.key.Fields(c)
	wire.Number(c, "last", &r.last, 0, math.MaxInt64)
	c.Millis("until", &r.until)
}

// check verifies the invariants that every method keeps. A record that breaks them was
// not written by this package, and using it could skip a factor.
func (e *Enrollment) check() error {
	none, some := len(e.live) == 0, !e.candidate.IsZero()
	switch {
	case !e.fits(none, some):
		return errors.New("contents do not fit the state")
	case e.reset.IsZero() == (e.state == ResetPending):
		return errors.New("time of reset does not fit the state")
	case e.lapsed && e.state != ResetPending:
		return errors.New("lapsed does not fit the state")
	case e.candidate.Key.Weak():
		return errors.New("weak candidate")
	case len(e.kept) > 0 && (e.state == ResetPending || e.state == Exempted):
		return errors.New("the kept authenticators do not fit the state")
	case e.candidate.Adds && none:
		return errors.New("candidate cannot be added")
	}
	ids := make([]string, 0, 2*MaxAuthenticators+1)
	known := func(id string) bool {
		for _, other := range ids {
			if other == id {
				return true
			}
		}
		ids = append(ids, id)
		return id == ""
	}
	if some {
		known(e.candidate.ID)
	}
	for i, a := range e.live {
		if known(a.ID) || a.Key.Weak() == a.Until.IsZero() {
			return errors.New("bad authenticator")
		}
		if some && a.Key.SameSecret(e.candidate.Key) {
			return errors.New("candidate is live")
		}
		for _, b := range e.live[:i] {
			if a.Key.SameSecret(b.Key) {
				return errors.New("same secret twice")
			}
		}
	}
	for _, k := range e.kept {
		if known(k.ID) || k.Key.Weak() == k.Until.IsZero() {
			return errors.New("bad kept authenticator")
		}
	}
	return nil
}

// fits reports whether a state allows this number of live authenticators and a candidate.
func (e *Enrollment) fits(none, candidate bool) bool {
	switch e.stored() {
	case Pending:
		return none && candidate
	case Active:
		return !none && !candidate
	case Replacing:
		return !none && candidate
	case ResetPending:
		return none
	default: // Disabled, Exempted
		return none && !candidate
	}
}
