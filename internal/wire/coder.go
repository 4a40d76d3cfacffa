package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrMalformed is the error of [Decode] for bytes that [Encode] did not write, and of
// Encode for a value that Decode would refuse. The text names the field and never shows
// its content, which may be a secret.
var ErrMalformed = errors.New("malformed")

// A Fielder describes its fields.
type Fielder interface {
	// Fields names each field to the coder, in order.
	Fields(*Coder)
}

// An Optional is a part that is left out if it is zero.
type Optional interface {
	Fielder
	IsZero() bool
}

// A Coder goes through the fields of a value, to write or to read them. After
// the first error its methods do nothing. Only this package makes one.
type Coder struct {
	data    []byte // what is left to read, or what was written
	all     string // the whole text that is read, of which every text is a part: one allocation for all
	reading bool
	format  uint64
	err     error
	words   []string // the texts that later words can refer to
	view    *view    // nil unless a view is made
}

// room is enough for most records.
const room = 2048

// Encode returns the format number and the fields of v. The error is
// [ErrMalformed].
func Encode(v Fielder) ([]byte, error) { return encode(make([]byte, 0, room), Written, v, nil) }

// Append is Encode that appends to dst.
func Append(dst []byte, v Fielder) ([]byte, error) { return encode(dst, Written, v, nil) }

// EncodeAs is Encode in another format, from [Written] to [Newest]: for what was read in a
// newer format than Written, and for tests, in which a release proves that it can read a
// format before any release writes it.
func EncodeAs(format uint64, v Fielder) ([]byte, error) {
	if format < Written || format > Newest {
		return nil, fmt.Errorf("%w: format %d, and this release can write %d to %d", ErrMalformed, format, Written, Newest)
	}
	return encode(make([]byte, 0, room), format, v, nil)
}

func encode(dst []byte, format uint64, v Fielder, view *view) ([]byte, error) {
	c := Coder{data: dst, format: format, view: view}
	c.data = binary.AppendUvarint(c.data, c.format)
	v.Fields(&c)
	if c.err != nil {
		return nil, c.err
	}
	return c.data, nil
}

// Decode reads what [Encode] wrote, of this release or of one whose format it
// knows, into the zero value v. With an error, which is [ErrMalformed], v is incomplete
// and must not be used.
func Decode(data []byte, v Fielder) error { return decode(data, v, nil) }

func decode(data []byte, v Fielder, view *view) error {
	c := Coder{data: data, reading: true, all: string(data), view: view}
	c.format = c.number("format", 0, 0, 1<<32)
	switch {
	case c.err != nil:
		return c.err
	case c.format < Oldest || c.format > Newest:
		return fmt.Errorf("%w: format %d, and this release reads %d to %d", ErrMalformed, c.format, Oldest, Newest)
	}
	v.Fields(&c)
	if len(c.data) > 0 {
		c.fail("end", "has bytes behind it")
	}
	return c.err
}

// Format returns the number of the format that [Encode] wrote, or 0.
func Format(data []byte) uint64 {
	format, _ := binary.Uvarint(data) // 0 for data that begins with no number
	return format
}

// Size returns how many bytes v has after the format number.
func Size(v Fielder) (int, error) {
	data, err := Encode(v)
	return len(data) - 1, err
}

// Reading reports whether fields are read, and not written.
func (c *Coder) Reading() bool { return c.reading }

// Since reports whether the format that is read or written is this one or a
// later one.
func (c *Coder) Since(format uint64) bool { return c.format >= format }

// Check refuses what was read, or is to be written, if err is not nil. Types
// call it at the end of their Fields.
func (c *Coder) Check(err error) {
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("%w: %w", ErrMalformed, err)
	}
}

func (c *Coder) fail(name, why string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s %s", ErrMalformed, name, why)
	}
}

// number writes v or returns what it reads.
func (c *Coder) number(name string, v, least, most uint64) uint64 {
	if c.err != nil {
		return v
	}
	if c.reading {
		n, size := uvarint(c.data)
		if size == 0 {
			c.fail(name, "is not a number")
			return v
		}
		c.data, v = c.data[size:], n
	}
	if v < least || v > most {
		c.fail(name, "is out of its bounds")
		return 0
	}
	if !c.reading {
		c.data = binary.AppendUvarint(c.data, v)
	}
	return v
}

// uvarint returns the number at the beginning of data and its size, which is 0 if there
// is no number, or if it is not in its one spelling.
func uvarint(data []byte) (uint64, int) {
	if len(data) > 0 && data[0] < 0x80 {
		return uint64(data[0]), 1
	}
	n, size := binary.Uvarint(data)
	if size < 2 || data[size-1] == 0 {
		return 0, 0
	}
	return n, size
}

// Number is a field of whole numbers from least, which is not negative, to most.
func Number[N ~int | ~int64 | ~uint8 | ~uint32 | ~uint64](c *Coder, name string, n *N, least, most N) {
	read := c.number(name, uint64(*n), uint64(least), uint64(most))
	if c.reading {
		*n = N(read)
	}
	if c.view != nil {
		c.view.value(name, "number"+bounds(uint64(least), uint64(most)), *n)
	}
}

// Signed is a field of whole numbers from least to most.
func (c *Coder) Signed(name string, n *int64, least, most int64) {
	read := unzigzag(c.number(name, zigzag(*n), 0, 1<<64-1))
	if read < least || read > most {
		c.fail(name, "is out of its bounds")
	}
	if c.reading {
		*n = read
	}
	if c.view != nil {
		c.view.value(name, "signed number", *n)
	}
}

func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// Bool is a field that is true or false.
func (c *Coder) Bool(name string, b *bool) {
	read := c.number(name, bit(*b), 0, 1)
	if c.reading {
		*b = read == 1
	}
	if c.view != nil {
		c.view.value(name, "bool", *b)
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Enum is a field that has one of the words, written as its place among them.
func Enum[S ~string](c *Coder, name string, s *S, words []S) {
	place := len(words) // none of them, and refused
	for i, w := range words {
		if w == *s {
			place = i
		}
	}
	place = int(c.number(name, uint64(place), 0, uint64(len(words)-1)))
	if c.reading && c.err == nil {
		*s = words[place]
	}
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("number, one of %q", words), string(*s))
	}
}

// The bounds of a time, in seconds. The lower one is the zero time itself.
const (
	zeroSeconds = -62_135_596_800
	lastSeconds = 253_402_300_799
)

// Seconds is a field of a time to the second. It is read in UTC.
func (c *Coder) Seconds(name string, t *time.Time) {
	n := c.when(name, *t, t.Unix(), 1)
	if c.reading && c.err == nil {
		*t = time.Unix(n, 0).UTC()
	}
	if c.view != nil {
		c.view.time(name, "time in seconds", *t)
	}
}

// Millis is a field of a time to the millisecond. It is read in UTC.
func (c *Coder) Millis(name string, t *time.Time) {
	n := c.when(name, *t, t.UnixMilli(), 1000)
	if c.reading && c.err == nil {
		*t = time.UnixMilli(n).UTC()
	}
	if c.view != nil {
		c.view.time(name, "time in milliseconds", *t)
	}
}

// Instant is a field of a time to the nanosecond. It is read in UTC.
func (c *Coder) Instant(name string, t *time.Time) {
	n, nano := c.when(name, *t, t.Unix(), 1), uint64(0)
	if n != zeroSeconds {
		nano = c.number(name, uint64(t.Nanosecond()), 0, 999_999_999)
	}
	if c.reading && c.err == nil {
		*t = time.Unix(n, int64(nano)).UTC()
	}
	if c.view != nil {
		c.view.time(name, "instant", *t)
	}
}

// when writes a time that is n units after 1970, with this many units per second, or
// returns what it reads. The zero time is returned as the units of its own value.
func (c *Coder) when(name string, t time.Time, n, units int64) int64 {
	zero, last := zeroSeconds*units, (lastSeconds+1)*units-1
	u := uint64(0)
	if !t.IsZero() {
		if s := t.Unix(); s < zeroSeconds || s > lastSeconds { // n may have overflowed
			c.fail(name, "is in no year that can be written")
			return zero
		}
		u = zigzag(n) + 1
	}
	if u = c.number(name, u, 0, 1<<62); u == 0 {
		return zero
	}
	if n = unzigzag(u - 1); n <= zero || n > last {
		c.fail(name, "is in no year that can be read")
		return zero
	}
	return n
}
