package enroll

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// ErrEncoding says that bytes are not an encoded [Enrollment] that this version
// understands. Treat it as "nobody is let in", never as "not enrolled".
var ErrEncoding = errors.New("enroll: not an encoded enrollment of this version")

const encodingVersion = 1

// What [Enrollment.Encode] writes. Times are milliseconds since 1970. Keys are
// whole URIs, since algorithm, digits and period are part of the key: a secret
// read back with other parameters would lock its owner out.
//
//	{"v":1,"state":"replacing",
//	 "authenticators":[{"id":"…","name":"Phone","uri":"otpauth://…","last":58000000,"added":…,"used":…}],
//	 "candidate":{"id":"…","name":"Tablet","uri":"otpauth://…","began":…,"adds":true},
//	 "kept":[{"id":"…","name":"Old phone","uri":"otpauth://…","last":58000000,"added":…,"used":…,"until":…}],
//	 "retired":[{"uri":"otpauth://…","last":58000000,"until":…}],
//	 "reset":…,"lapsed":true}
//
// An authenticator whose key is weak has "weak_until":… too.
type (
	encoded struct {
		Version        int                    `json:"v"`
		State          State                  `json:"state"`
		Authenticators []encodedAuthenticator `json:"authenticators,omitempty"`
		Candidate      *encodedCandidate      `json:"candidate,omitempty"`
		Kept           []encodedKept          `json:"kept,omitempty"`
		Retired        []encodedRetired       `json:"retired,omitempty"`
		Reset          millis                 `json:"reset,omitempty"`
		Lapsed         bool                   `json:"lapsed,omitempty"`
	}
	encodedAuthenticator struct {
		ID    string    `json:"id"`
		Name  string    `json:"name"`
		URI   string    `json:"uri"`
		Last  totp.Step `json:"last"`
		Added millis    `json:"added"`
		Used  millis    `json:"used"`
		Weak  millis    `json:"weak_until,omitempty"`
	}
	encodedCandidate struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		URI   string `json:"uri"`
		Began millis `json:"began"`
		Adds  bool   `json:"adds,omitempty"`
	}
	encodedKept struct {
		encodedAuthenticator
		Until millis `json:"until"`
	}
	encodedRetired struct {
		URI   string    `json:"uri"`
		Last  totp.Step `json:"last"`
		Until millis    `json:"until"`
	}
	millis int64
)

// label fills the place that a key URI has for names; those are kept elsewhere.
var label = totp.Label{Account: "totpflow"}

// Encode returns the enrollment as JSON. It REVEALS the secrets: seal it before a
// store sees it (package keyring), with the account's id as associated data, and
// do not reformat it. The format is stable; its version is inside. At the limits
// it takes about 11 KiB.
func (e Enrollment) Encode() []byte {
	out := encoded{Version: encodingVersion, State: e.stored(), Reset: toMillis(e.reset), Lapsed: e.lapsed}
	for _, a := range e.live {
		out.Authenticators = append(out.Authenticators, encodeAuthenticator(a))
	}
	if c := e.candidate; !c.IsZero() {
		out.Candidate = &encodedCandidate{c.ID, c.Name, uriOf(c.Key), toMillis(c.Began), c.Adds}
	}
	for _, k := range e.kept {
		out.Kept = append(out.Kept, encodedKept{encodeAuthenticator(k.Authenticator), toMillis(k.until)})
	}
	for _, r := range e.retired {
		out.Retired = append(out.Retired, encodedRetired{uriOf(r.key), r.last, toMillis(r.until)})
	}
	data, _ := json.Marshal(out) // strings, integers and bools: cannot fail
	return data
}

// Decode reads what [Enrollment.Encode] wrote, and nothing else: a version, state
// or field that it does not know, a key that totp refuses, contents that do not
// fit the state, a different spelling of the same are all [ErrEncoding].
func Decode(data []byte) (Enrollment, error) {
	var in encoded
	if err := json.Unmarshal(data, &in); err != nil {
		// The cause is left out: it may quote what it could not read.
		return Enrollment{}, ErrEncoding
	}
	if in.Version != encodingVersion {
		return Enrollment{}, fmt.Errorf("%w: version %d", ErrEncoding, in.Version)
	}
	e, err := in.enrollment()
	if err != nil {
		return Enrollment{}, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	if err := e.check(); err != nil {
		return Enrollment{}, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	// A field of a later version would be lost with the next write, and with it
	// whatever it protects.
	if !bytes.Equal(e.Encode(), data) {
		return Enrollment{}, fmt.Errorf("%w: unknown field or spelling", ErrEncoding)
	}
	return e, nil
}

func (in encoded) enrollment() (Enrollment, error) {
	e := Enrollment{state: in.State, reset: in.Reset.time(), lapsed: in.Lapsed}
	for _, a := range in.Authenticators {
		live, err := a.authenticator()
		if err != nil {
			return Enrollment{}, err
		}
		e.live = append(e.live, live)
	}
	if c := in.Candidate; c != nil {
		key, err := keyOf(c.URI)
		if err != nil {
			return Enrollment{}, err
		}
		e.candidate = Candidate{c.ID, c.Name, key, c.Began.time(), c.Adds}
	}
	for _, k := range in.Kept {
		kept, err := k.authenticator()
		if err != nil {
			return Enrollment{}, err
		}
		e.kept = append(e.kept, shelved{kept, k.Until.time()})
	}
	for _, r := range in.Retired {
		key, err := keyOf(r.URI)
		if err != nil {
			return Enrollment{}, err
		}
		e.retired = append(e.retired, retired{key, r.Last, r.Until.time()})
	}
	return e, nil
}

func encodeAuthenticator(a Authenticator) encodedAuthenticator {
	return encodedAuthenticator{a.ID, a.Name, uriOf(a.Key), a.Last, toMillis(a.Added), toMillis(a.Used), toMillis(a.Until)}
}

func (a encodedAuthenticator) authenticator() (Authenticator, error) {
	key, err := keyOf(a.URI)
	return Authenticator{a.ID, a.Name, key, a.Last, a.Added.time(), a.Used.time(), a.Weak.time()}, err
}

// check holds what every method keeps true. A record that breaks it was not
// written by this package, and to go on with it could skip a factor.
func (e Enrollment) check() error {
	none, some := len(e.live) == 0, !e.candidate.IsZero()
	fits := map[State]bool{
		Disabled:     none && !some,
		Pending:      none && some,
		Active:       !none && !some,
		Replacing:    !none && some,
		ResetPending: none,
		Exempted:     none && !some,
	}
	switch {
	case !fits[e.state]:
		return errors.New("contents do not fit the state")
	case e.reset.IsZero() == (e.state == ResetPending):
		return errors.New("time of reset does not fit the state")
	case e.lapsed && e.state != ResetPending:
		return errors.New("lapsed does not fit the state")
	case e.candidate.Key.Weak():
		return errors.New("weak candidate")
	case len(e.kept) > 0 && (e.state == ResetPending || e.state == Exempted):
		return errors.New("what is kept does not fit the state")
	case len(e.live) > MaxAuthenticators, len(e.kept) > MaxAuthenticators, len(e.retired) > maxRetired:
		return errors.New("too many authenticators")
	case e.candidate.Adds && (none || len(e.live) >= MaxAuthenticators):
		return errors.New("candidate cannot be added")
	}
	ids := map[string]bool{"": true}
	if some {
		ids[e.candidate.ID] = true
	}
	for i, a := range e.live {
		if ids[a.ID] || a.Last < 0 || a.Key.Weak() == a.Until.IsZero() {
			return errors.New("bad authenticator")
		}
		ids[a.ID] = true
		if some && sameSecret(a.Key, e.candidate.Key) {
			return errors.New("candidate is live")
		}
		for _, b := range e.live[:i] {
			if sameSecret(a.Key, b.Key) {
				return errors.New("same secret twice")
			}
		}
	}
	for _, k := range e.kept {
		if ids[k.ID] || k.Last < 0 || k.Key.Weak() == k.Until.IsZero() {
			return errors.New("bad kept authenticator")
		}
		ids[k.ID] = true
	}
	for _, r := range e.retired {
		if r.last < 0 {
			return errors.New("bad step")
		}
	}
	return nil
}

func uriOf(k totp.Key) string {
	uri, _ := k.URI(label) // a key that is not zero, a label that is good
	return uri
}

func keyOf(uri string) (totp.Key, error) {
	key, _, err := totp.ParseStored(uri)
	return key, err
}

// toMillis returns zero for the zero time, which is before 1970.
func toMillis(t time.Time) millis {
	if t.IsZero() {
		return 0
	}
	return millis(t.UnixMilli())
}

func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}
