package event

import (
	"errors"
	"math"

	"github.com/totpflow/totpflow/internal/wire"
)

// numbered are the kinds that records have as a number, from 1 on. The places are
// stored: a further kind goes to the end, with a new format, and is written as its
// word until then.
var numbered = [...]Kind{
	SignedIn, Reauthenticated, EnrollmentBegan, AuthenticatorRenamed, PhoneCodeSent,
	CodeRejected, CodeReplayed, CodeMalformed, Throttled, RejectedRepeatedly, Suspended, RecoveryRejected, ClockBehind, SignInRefused,
	EnrollmentConfirmed, AuthenticatorsReplaced, AuthenticatorRemoved,
	RecoveryUsed, RecoveryCodesMade, RecoveryCodesSaved, PhoneAdded, PhoneRemoved,
	BrowserTrusted, BrowserRevoked, BrowsersRevoked, PasswordChanged, Disabled, Reset, RecordLost,
	Frozen, GraceBegan, IssuedCodeUsed,
	Imported, Exempted, ExemptionEnded, GraceExtended, RecoveryIssued, RecoveryCodesVoided, AuthenticatorRestored, PhoneAssigned, Unlocked, Forgotten,
	PolicySet, PolicyLowered, BulkReset, ApprovalRequested, ApprovalGranted, ApprovalWithdrawn, KeysRotated, EpochRaised,
	SessionsEnded, SetupReminded,
}

var numbers = func() map[Kind]int {
	m := make(map[Kind]int, len(numbered))
	for i, k := range numbered {
		m[k] = i + 1
	}
	return m
}()

// Days since 1970 of the years that are written, 1 to 9999.
const (
	firstDay = -719_162
	lastDay  = 2_932_896
)

var (
	errNumber   = errors.New("an event after the last")
	errNumbered = errors.New("a kind that has a number is spelled out")
	errEmpty    = errors.New("a field of an event is present but empty")
)

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (a *Activity) Fields(c *wire.Coder) {
	s := &a.s
	wire.Number(c, "last", &s.Last, 0, math.MaxUint64)
	number := uint64(0)
	wire.List(c, "events", &s.Events, MaxChanges+MaxPending, func(e *kept, c *wire.Coder) {
		after := e.Number - number
		wire.Number(c, "after", &after, 1, math.MaxUint64)
		if after > s.Last-number {
			c.Check(errNumber)
		}
		number += after
		if c.Reading() {
			e.Number = number
		}
		e.fields(c)
	})
	date, least := int64(0), int64(firstDay)
	wire.List(c, "days", &s.Days, MaxDays, func(d *day, c *wire.Coder) {
		d.fields(c, date, least)
		date, least = d.date, 1
	})
}

// fields describes all but the number, the tenant and the user: the list has the
// number, and the record the rest. Of the fields that may be empty it has those
// that are not, after their bits.
func (e *kept) fields(c *wire.Coder) {
	c.Millis("at", &e.At)
	e.Kind.fields(c)
	has := e.has()
	wire.Number(c, "has", &has, 0, all)
	word := func(bit uint32, name string, text *string, most int) {
		if has&bit != 0 {
			c.Word(name, text, most)
		}
	}
	word(hasMethod, "method", &e.Method, maxWord)
	word(hasAuthenticator, "authenticator", &e.Authenticator, maxWord)
	word(hasBrowser, "browser", &e.Browser, maxWord)
	word(hasAddress, "address", &e.Source.Address, maxAddress)
	word(hasUserAgent, "user_agent", &e.Source.UserAgent, maxAgent)
	word(hasReason, "reason", &e.Reason, maxWord)
	word(hasAction, "action", &e.Action, maxWord)
	word(hasActor, "actor", &e.Actor, maxActor)
	if has&hasRemaining != 0 {
		remaining := int64(e.Remaining)
		c.Signed("remaining", &remaining, math.MinInt, math.MaxInt)
		if c.Reading() {
			e.Remaining = int(remaining)
		}
	}
	if has&hasUntil != 0 {
		c.Millis("until", &e.Until)
	}
	if c.Reading() {
		e.pending = has&isPending != 0
	}
	if has != e.has() {
		c.Check(errEmpty)
	}
}

// The bits of the fields that may be empty, the most common first. The last bit marks a
// pending event.
const (
	hasMethod uint32 = 1 << iota
	hasAuthenticator
	hasBrowser
	hasAddress
	hasUserAgent
	hasReason
	hasRemaining
	hasAction
	hasActor
	hasUntil
	isPending
	all = 1<<iota - 1
)

// has returns the bits of the fields that are not empty.
func (e *kept) has() (bits uint32) {
	mark := func(bit uint32, is bool) {
		if is {
			bits |= bit
		}
	}
	mark(hasMethod, e.Method != "")
	mark(hasAuthenticator, e.Authenticator != "")
	mark(hasBrowser, e.Browser != "")
	mark(hasAddress, e.Source.Address != "")
	mark(hasUserAgent, e.Source.UserAgent != "")
	mark(hasReason, e.Reason != "")
	mark(hasRemaining, e.Remaining != 0)
	mark(hasAction, e.Action != "")
	mark(hasActor, e.Actor != "")
	mark(hasUntil, !e.Until.IsZero())
	mark(isPending, e.pending)
	return bits
}

// fields describes a kind by its number, or as 0 and its word.
func (k *Kind) fields(c *wire.Coder) {
	number := numbers[*k]
	wire.Number(c, "kind", &number, 0, len(numbered))
	switch {
	case number == 0:
		c.Word("word", (*string)(k), maxKind)
		if numbers[*k] != 0 {
			c.Check(errNumbered)
		}
	case c.Reading():
		*k = numbered[number-1]
	}
}

// fields describes a day by its distance from the previous one, or from 1970, in days, by
// which attempts there were, as bits, and how many of each.
func (d *day) fields(c *wire.Coder, before, least int64) {
	after := d.date - before
	c.Signed("after", &after, least, lastDay-before)
	var some uint32
	for i, n := range d.counts {
		if n > 0 {
			some |= 1 << i
		}
	}
	wire.Number(c, "attempts", &some, 1, 1<<len(attempts)-1)
	for i, kind := range attempts {
		if some&(1<<i) != 0 {
			wire.Number(c, string(kind), &d.counts[i], 1, math.MaxUint32)
		}
	}
	if c.Reading() {
		d.date = before + after
	}
}

// weight returns the largest number of bytes that e can take in a record, whatever else
// is in it. This bound is exact if all texts of e are new, and its number, its times and
// the rest are as long as possible. Tenant and user are left out, since no stored event
// has them.
func (e Event) weight() int {
	const number, time, kind, has, remaining = 10, 7, 1, 2, 10
	n := number + time + kind + has
	for _, text := range [...]string{
		string(e.Kind), e.Reason, e.Method, e.Authenticator, e.Browser, e.Actor, e.Action, e.Source.Address, e.Source.UserAgent,
	} {
		if text != "" {
			n += len("1") + lengthOf(text) + len(text)
		}
	}
	if e.Remaining != 0 {
		n += remaining
	}
	if !e.Until.IsZero() {
		n += time
	}
	return n
}

// lengthOf returns how many bytes the length of a text takes.
func lengthOf(text string) int {
	if len(text) < 1<<7 {
		return 1
	}
	return 2
}
