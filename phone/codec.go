package phone

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/internal/strictjson"
	"github.com/totpflow/totpflow/keyring"
)

const version = 1

// ErrEncoding says that bytes are not an encoding of this package and version.
// Treat it as "nobody is let in and nothing is sent", never as "no phone".
var ErrEncoding = errors.New("phone: not an encoding of this version")

// What [State.Encode] writes. Times are seconds since 1970.
//
//	{"v":1,
//	 "phones":[{"id":"…","number":"+436601234567","added":…,"used":…}],
//	 "pending":{"id":"…","number":"+447700900123","began":…},
//	 "code":{"to":"…","challenge":"…","via":"sms","sent":…,"mac":"…"},
//	 "wrong":2,"last":…,
//	 "sends":{"v":1,"log":[…]}}
type (
	encoded struct {
		Version int             `json:"v"`
		Phones  []encodedPhone  `json:"phones,omitempty"`
		Pending *encodedPending `json:"pending,omitempty"`
		Code    *encodedCode    `json:"code,omitempty"`
		Wrong   int             `json:"wrong,omitempty"`
		Last    unix            `json:"last,omitempty"`
		Sends   Sends           `json:"sends,omitzero"`
	}
	encodedPhone struct {
		ID     string `json:"id"`
		Number string `json:"number"`
		Added  unix   `json:"added"`
		Used   unix   `json:"used"`
	}
	encodedPending struct {
		ID     string `json:"id"`
		Number string `json:"number"`
		Began  unix   `json:"began"`
	}
	encodedCode struct {
		To        string `json:"to"`
		Challenge string `json:"challenge,omitempty"`
		Via       Via    `json:"via"`
		Sent      unix   `json:"sent"`
		MAC       string `json:"mac"`
	}
	unix int64
)

// Encode returns the state as JSON of at most 2 KiB. It REVEALS the numbers,
// which are personal data, and holds no code: seal it before a store sees it
// (package keyring), and do not reformat it. The format is stable; its version
// is inside.
func (s State) Encode() []byte {
	out := encoded{Version: version, Wrong: s.wrong, Last: toUnix(s.last), Sends: s.sends}
	for _, p := range s.phones {
		out.Phones = append(out.Phones, encodedPhone{p.ID, p.Number.E164(), toUnix(p.Added), toUnix(p.Used)})
	}
	if p := s.pending; !p.isZero() {
		out.Pending = &encodedPending{p.ID, p.Number.E164(), toUnix(p.Began)}
	}
	if l := s.live; !l.isZero() {
		out.Code = &encodedCode{l.to, l.challenge, l.via, toUnix(l.sent), base64.RawURLEncoding.EncodeToString([]byte(l.mac))}
	}
	data, _ := json.Marshal(out) // strings and integers: cannot fail
	return data
}

// Decode reads what [State.Encode] wrote, and nothing else: an unknown version or
// field, contents that contradict each other, a different spelling of the same
// are all [ErrEncoding].
func Decode(data []byte) (State, error) {
	var in encoded
	if err := strictjson.Decode(data, &in); err != nil {
		// The cause is left out: it may quote what it could not read.
		return State{}, ErrEncoding
	}
	if in.Version != version {
		return State{}, fmt.Errorf("%w: version %d", ErrEncoding, in.Version)
	}
	s, err := in.state()
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return State{}, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	if !bytes.Equal(s.Encode(), data) {
		return State{}, fmt.Errorf("%w: another spelling", ErrEncoding)
	}
	return s, nil
}

func (in encoded) state() (State, error) {
	s := State{wrong: in.Wrong, last: in.Last.time(), sends: in.Sends}
	for _, p := range in.Phones {
		n, err := parse(p.Number)
		if err != nil {
			return State{}, err
		}
		s.phones = append(s.phones, Phone{p.ID, n, p.Added.time(), p.Used.time()})
	}
	if p := in.Pending; p != nil {
		n, err := parse(p.Number)
		if err != nil {
			return State{}, err
		}
		s.pending = Pending{p.ID, n, p.Began.time()}
	}
	if c := in.Code; c != nil {
		mac, err := base64.RawURLEncoding.DecodeString(c.MAC)
		if err != nil || len(mac) != keyring.TagSize {
			return State{}, errors.New("bad code")
		}
		s.live = live{c.To, c.Challenge, c.Via, c.Sent.time(), string(mac)}
	}
	return s, nil
}

// check holds what every method keeps true.
func (s State) check() error {
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
	case len(s.phones) > MaxPhones, pending && len(s.phones) == MaxPhones:
		return errors.New("too many phones")
	case s.wrong < 0, s.wrong > MaxTries, (s.wrong == 0) != s.last.IsZero():
		return errors.New("bad count")
	case l == live{}:
		return nil
	case s.wrong == MaxTries, l.sent.IsZero(), !l.via.known(),
		l.challenge == "" && (!pending || l.to != s.pending.ID),
		l.challenge != "" && (len(l.challenge) != len(tag("")) || s.index(l.to) < 0):
		return errors.New("bad code")
	}
	return nil
}

// MarshalJSON writes the sends with their version.
func (s Sends) MarshalJSON() ([]byte, error) {
	out := encodedSends{Version: version}
	last := int64(0)
	for _, e := range s.log {
		out.Log = append(out.Log, e.at-last, e.n)
		last = e.at
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote. Anything else is [ErrEncoding]:
// sends that were read wrong are not none.
func (s *Sends) UnmarshalJSON(data []byte) error {
	var in encodedSends
	if err := strictjson.Decode(data, &in); err != nil {
		return fmt.Errorf("%w: sends", ErrEncoding)
	}
	if in.Version != version || len(in.Log)%2 != 0 || len(in.Log) > 2*maxEntries {
		return fmt.Errorf("%w: sends of version %d", ErrEncoding, in.Version)
	}
	var read Sends
	last := int64(0)
	for i := 0; i < len(in.Log); i += 2 {
		gap, n := in.Log[i], in.Log[i+1]
		if gap < 1 || gap > maxTime-last || n < 1 || n > maxCount {
			return fmt.Errorf("%w: sends", ErrEncoding)
		}
		last += gap
		read.log = append(read.log, entry{last, n})
	}
	*s = read
	return nil
}

// The log is written as [time, sends, seconds until the next, sends, …].
type encodedSends struct {
	Version int     `json:"v"`
	Log     []int64 `json:"log,omitempty"`
}

func toUnix(t time.Time) unix {
	if t.IsZero() {
		return 0
	}
	return unix(t.Unix())
}

func (u unix) time() time.Time {
	if u == 0 {
		return time.Time{}
	}
	return time.Unix(int64(u), 0).UTC()
}
