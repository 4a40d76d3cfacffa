package wire_test

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
)

// A sample has a field of each kind.
type sample struct {
	Small    int
	Big      uint64
	Signed   int64
	Flag     bool
	Mode     string
	Exact    [4]byte
	Bytes    []byte
	Text     string
	Tag      string
	Hex      string
	Words    []string
	Seconds  time.Time
	Millis   time.Time
	Instant  time.Time
	Part     point
	Optional point
	List     []point
}

type point struct{ X, Y int64 }

func (p *point) Fields(c *wire.Coder) {
	c.Signed("x", &p.X, -100, 100)
	c.Signed("y", &p.Y, math.MinInt64, math.MaxInt64)
}

func (p *point) IsZero() bool { return *p == point{} }

func (s *sample) Fields(c *wire.Coder) {
	wire.Number(c, "small", &s.Small, 1, 200)
	wire.Number(c, "big", &s.Big, 0, math.MaxUint64)
	c.Signed("signed", &s.Signed, math.MinInt64, math.MaxInt64)
	c.Bool("flag", &s.Flag)
	wire.Enum(c, "mode", &s.Mode, []string{"off", "on"})
	c.Fixed("exact", s.Exact[:])
	c.Bytes("bytes", &s.Bytes, 8)
	c.Text("text", &s.Text, 8)
	c.FixedText("tag", &s.Tag, 2)
	c.Hex("hex", &s.Hex, 3)
	wire.List(c, "words", &s.Words, 5, func(w *string, c *wire.Coder) { c.Word("word", w, 8) })
	c.Seconds("seconds", &s.Seconds)
	c.Millis("millis", &s.Millis)
	c.Instant("instant", &s.Instant)
	c.Part("part", &s.Part)
	c.Optional("optional", &s.Optional)
	wire.List(c, "list", &s.List, 3, (*point).Fields)
}

var noon = time.Date(2026, time.January, 2, 12, 0, 0, 123_456_789, time.UTC)

func good() sample {
	return sample{
		Small: 7, Big: math.MaxUint64, Signed: math.MinInt64, Flag: true, Mode: "on", Exact: [4]byte{1, 2, 3, 4}, Bytes: []byte{5}, Text: "text\xff",
		Tag: "ab", Hex: "0a0bff", Words: []string{"a", "b", "", "a", "b"},
		Seconds: noon.Truncate(time.Second), Millis: noon.Truncate(time.Millisecond), Instant: noon,
		Part: point{1, -1}, Optional: point{0, 1}, List: []point{{1, 2}, {}},
	}
}

// A value comes back as it was written, and has the only encoding that doc.go describes.
func TestSample(t *testing.T) {
	s := good()
	require.Equal(t, s, wiretest.Golden(t, "testdata/sample", &s))
	wiretest.Strict(t, &s)
	wiretest.Strict(t, &sample{Small: 1, Mode: "off", Tag: "ab", Hex: "000000"})

	unix := uint64(noon.Unix())
	require.Equal(t, wiretest.Raw(
		uint64(7), uint64(math.MaxUint64), int64(math.MinInt64), uint64(1), uint64(1), []byte{1, 2, 3, 4}, "\x05", "text\xff", []byte("ab"), []byte{10, 11, 255},
		uint64(5), uint64(1), "a", uint64(1), "b", uint64(0), uint64(2), uint64(3),
		2*unix+1, 2*uint64(noon.UnixMilli())+1, 2*unix+1, uint64(123_456_789),
		1, -1, uint64(1), 0, 1, uint64(2), 1, 2, 0, 0,
	), wiretest.Write(t, &s))
}

// No value is written that could not be read.
func TestEncodeRefuses(t *testing.T) {
	for name, edit := range map[string]func(*sample){
		"a number below its bound":  func(s *sample) { s.Small = 0 },
		"a negative number":         func(s *sample) { s.Small = -1 },
		"a number above its bound":  func(s *sample) { s.Small = 201 },
		"a signed number too small": func(s *sample) { s.Part.X = -101 },
		"a signed number too large": func(s *sample) { s.Part.X = 101 },
		"no such word":              func(s *sample) { s.Mode = "of" },
		"long bytes":                func(s *sample) { s.Bytes = make([]byte, 9) },
		"a long text":               func(s *sample) { s.Text = "123456789" },
		"a short tag":               func(s *sample) { s.Tag = "a" },
		"capitals":                  func(s *sample) { s.Hex = "0A0bff" },
		"no hexadecimal":            func(s *sample) { s.Hex = "0g0bff" },
		"short hexadecimal":         func(s *sample) { s.Hex = "0a0b" },
		"long hexadecimal":          func(s *sample) { s.Hex = "0a0bff00" },
		"half a byte":               func(s *sample) { s.Hex = "0a0bf" },
		"a long word":               func(s *sample) { s.Words[0] = "123456789" },
		"a long list":               func(s *sample) { s.List = make([]point, 4) },
		"before the years":          func(s *sample) { s.Seconds = time.Time{}.Add(-1) },
		"within the zero second":    func(s *sample) { s.Seconds = time.Time{}.Add(1) },
		"within the zero milli":     func(s *sample) { s.Millis = time.Time{}.Add(1) },
		"after the years":           func(s *sample) { s.Millis = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"after all milliseconds":    func(s *sample) { s.Millis = time.Unix(1<<61, 0) },
		"before all milliseconds":   func(s *sample) { s.Millis = time.Unix(-1<<61, 0) },
		"far after the years":       func(s *sample) { s.Instant = time.Unix(math.MaxInt64, 0) },
	} {
		s := good()
		edit(&s)
		data, err := wire.Encode(&s)
		require.ErrorIs(t, err, wire.ErrMalformed, name)
		require.Nil(t, data, name)
		_, err = wire.Size(&s)
		require.Error(t, err, name)
		_, err = wire.View(&s)
		require.Error(t, err, name)
	}
}

// A value of the least or the greatest number of each field comes back, and so does one
// that is almost empty.
func TestBounds(t *testing.T) {
	last := time.Date(9999, time.December, 31, 23, 59, 59, 999_999_999, time.UTC)
	first := time.Time{}.Add(time.Second)
	for name, edit := range map[string]func(*sample){
		"empty":                  func(s *sample) { *s = sample{Small: 1, Mode: "off", Tag: "ab", Hex: "000000"} },
		"two bytes":              func(s *sample) { s.Small, s.Big = 200, 128 },
		"the least":              func(s *sample) { s.Part = point{-100, math.MinInt64} },
		"the greatest":           func(s *sample) { s.Part = point{100, math.MaxInt64} },
		"the first second":       func(s *sample) { s.Seconds, s.Millis, s.Instant = first, first, first },
		"the first milliseconds": func(s *sample) { s.Millis = time.Time{}.Add(time.Millisecond) },
		"the last second": func(s *sample) {
			s.Seconds, s.Millis, s.Instant = last.Truncate(time.Second), last.Truncate(time.Millisecond), last
		},
	} {
		s := good()
		edit(&s)
		require.Equal(t, s, wiretest.Read[sample](t, wiretest.Write(t, &s)), name)
	}
}

// Writing changes nothing, also where the value is not written in full.
func TestEncodeChangesNothing(t *testing.T) {
	make := func() sample {
		s := good()
		at := noon.In(time.FixedZone("", 3600))
		s.Seconds, s.Millis, s.Instant = at, at, at
		return s
	}
	s := make()
	data := wiretest.Write(t, &s)
	require.Equal(t, make(), s)
	require.Equal(t, good(), wiretest.Read[sample](t, data))

	size, err := wire.Size(&s)
	require.NoError(t, err)
	require.Equal(t, len(data)-1, size)
	after, err := wire.Append([]byte("before"), &s)
	require.NoError(t, err)
	require.Equal(t, append([]byte("before"), data...), after)
}

func TestFormat(t *testing.T) {
	s := good()
	require.EqualValues(t, wire.Written, wire.Format(wiretest.Write(t, &s)))
	for _, none := range [][]byte{nil, {0x80}, bytes.Repeat([]byte{0xff}, 20)} {
		require.Zero(t, wire.Format(none))
	}
}

// The fields are told whether they are read, and in which format.
func TestCoder(t *testing.T) {
	for _, reading := range []bool{false, true} {
		fields := fielder(func(c *wire.Coder) {
			require.Equal(t, reading, c.Reading())
			require.True(t, c.Since(wire.Written-1))
			require.True(t, c.Since(wire.Written))
			require.False(t, c.Since(wire.Written+1))
			c.Check(nil)
		})
		if reading {
			require.NoError(t, wire.Decode(wiretest.Raw(), fields))
		} else {
			require.Equal(t, wiretest.Raw(), wiretest.Write(t, fields))
		}
	}
}

// The first error stays, and the fields after it are neither read nor written.
func TestTheFirstErrorStays(t *testing.T) {
	first := errors.New("the first")
	var entered int
	count := func(*point, *wire.Coder) { entered++ }
	part := fielder(func(*wire.Coder) { entered++ })
	s, other := good(), &point{1, 1}
	at := noon.In(time.FixedZone("", 3600))
	s.Seconds, s.Millis, s.Instant = at, at, at
	three := []point{{X: 101}, {}, {}}
	after := fielder(func(c *wire.Coder) {
		c.Check(first)
		c.Check(errors.New("another"))
		c.Part("part", part)
		wire.Option(c, "option", other, func(point) bool { return false }, count)
		wire.Maybe(c, "maybe", &other, count)
		wire.List(c, "list", &three, 3, count)
		s.Fields(c)
		c.FixedText("tag", &s.Text, 9)
	})
	written := good()
	written.Small, written.Big, written.Signed, written.Flag, written.Mode, written.Exact = 1, 2, 3, false, "off", [4]byte{}
	data := append(wiretest.Raw(uint64(1), uint64(1), uint64(3)), wiretest.Write(t, &written)[1:]...)

	err := wire.Decode(data, after)
	require.ErrorIs(t, err, wire.ErrMalformed)
	require.ErrorIs(t, err, first)
	require.NotContains(t, err.Error(), "another")
	want := good()
	want.Seconds, want.Millis, want.Instant = at, at, at
	want.Bytes, want.Text, want.Tag, want.Hex = []byte{}, "", "", "" // texts are not kept
	require.Equal(t, want, s)
	require.Equal(t, &point{1, 1}, other)

	s = good()
	_, err = wire.Encode(after)
	require.ErrorIs(t, err, first)
	require.Zero(t, entered)

	_, err = wire.Encode(fielder(func(c *wire.Coder) {
		wire.List(c, "list", &three, 3, func(p *point, c *wire.Coder) { entered++; p.Fields(c) })
		c.FixedText("tag", new(string), 1)
	}))
	require.ErrorContains(t, err, "x is out of its bounds")
	require.Equal(t, 1, entered, "the items after the first error")

	err = wire.Decode(nil, part)
	require.ErrorContains(t, err, "format is not a number")
	require.Equal(t, 1, entered, "the fields of an unknown format")
}

// parts may have a part of each optional kind, and one number without a greatest value.
type parts struct {
	option point
	maybe  *point
	number int64
	count  int
}

func (p *parts) Fields(c *wire.Coder) {
	wire.Option(c, "option", &p.option, func(p point) bool { return p == point{} }, (*point).Fields)
	wire.Maybe(c, "maybe", &p.maybe, (*point).Fields)
	wire.Number(c, "number", &p.number, 0, math.MaxInt64)
	wire.Number(c, "count", &p.count, 0, 9)
}

// An optional part takes a byte if it is absent; one that Maybe reads may be zero.
func TestOptionalParts(t *testing.T) {
	for _, c := range []struct {
		parts
		raw  []byte
		view string
	}{
		{parts{}, wiretest.Raw(uint64(0), uint64(0), uint64(0), uint64(0)), `{"number": 0, "count": 0}`},
		{parts{option: point{X: 1}}, wiretest.Raw(uint64(1), 1, 0, uint64(0), uint64(0), uint64(0)), `{"option": {"x": 1, "y": 0}, "number": 0, "count": 0}`},
		{parts{maybe: &point{}, count: 9}, wiretest.Raw(uint64(0), uint64(1), 0, 0, uint64(0), uint64(9)), `{"maybe": {"x": 0, "y": 0}, "number": 0, "count": 9}`},
		{parts{maybe: &point{X: 2}}, wiretest.Raw(uint64(0), uint64(1), 2, 0, uint64(0), uint64(0)), `{"maybe": {"x": 2, "y": 0}, "number": 0, "count": 0}`},
	} {
		require.Equal(t, c.raw, wiretest.Write(t, &c.parts))
		require.Equal(t, c.parts, wiretest.Read[parts](t, c.raw))
		require.JSONEq(t, c.view, wiretest.View(t, &c.parts))
	}
}

// A layout has each field once, below that of which it is a part.
func TestLayout(t *testing.T) {
	fields, err := wire.Layout(&parts{option: point{X: 1}, maybe: &point{}})
	require.NoError(t, err)
	require.Equal(t, []string{
		"option: optional part", "  x: signed number", "  y: signed number",
		"maybe: optional part", "  x: signed number", "  y: signed number",
		"number: number", "count: number, at most 9",
	}, fields)
	s := good()
	fields, err = wire.Layout(&s)
	require.NoError(t, err)
	require.Equal(t, []string{
		"small: number, 1 to 200", "big: number", "signed: signed number", "flag: bool", `mode: number, one of ["off" "on"]`, "exact: 4 bytes",
		"bytes: bytes, at most 8", "text: text, at most 8", "tag: 2 bytes", "hex: hex of 3 bytes", "words: list, at most 5", "  word: word, at most 8",
		"seconds: time in seconds", "millis: time in milliseconds", "instant: instant", "part: part", "  x: signed number", "  y: signed number",
		"optional: optional part", "  x: signed number", "  y: signed number", "list: list, at most 3", "  x: signed number", "  y: signed number",
	}, fields)
	_, err = wire.Layout(&sample{})
	require.ErrorIs(t, err, wire.ErrMalformed)
}

// A view shows a zero time as null.
func TestViewOfZeroTimes(t *testing.T) {
	require.JSONEq(t, `{"seconds": null, "millis": null, "instant": null}`, wiretest.View(t, fielder(func(c *wire.Coder) {
		c.Seconds("seconds", new(time.Time))
		c.Millis("millis", new(time.Time))
		c.Instant("instant", new(time.Time))
	})))
}

// A large value may have a million texts of a GiB each.
type large struct{ texts []string }

func (l *large) Fields(c *wire.Coder) {
	wire.List(c, "texts", &l.texts, 1<<20, func(s *string, c *wire.Coder) { c.Text("text", s, 1<<30) })
}

// A length without the bytes for it costs nothing: neither that of a text nor that of a
// list, nor one for each item.
func TestDecodeIsBounded(t *testing.T) {
	for name, data := range map[string][]byte{
		"a list":         wiretest.Raw(uint64(1 << 20)),
		"a text":         wiretest.Raw(uint64(1), uint64(1<<30)),
		"texts":          wiretest.Raw(uint64(3), uint64(1<<30), uint64(1<<30), uint64(1<<30)),
		"a list too far": wiretest.Raw(uint64(1 << 21)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 10 {
			var l large
			require.ErrorIs(t, wire.Decode(data, &l), wire.ErrMalformed, name)
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10), name)
	}
}

// Every optional part that is present has a value, a word is as long as its field allows
// wherever it was used before, and times lie in the years 1 to 9999.
func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		v        wire.Fielder
		good, no []byte
	}{
		"an optional part": {fielder(func(c *wire.Coder) { c.Optional("p", new(point)) }), wiretest.Raw(uint64(1), 0, 1), wiretest.Raw(uint64(1), 0, 0)},
		"an option": {fielder(func(c *wire.Coder) {
			wire.Option(c, "p", new(point), func(p point) bool { return p == point{} }, (*point).Fields)
		}), wiretest.Raw(uint64(1), 0, 1), wiretest.Raw(uint64(1), 0, 0)},
		"a word": {fielder(func(c *wire.Coder) { c.Word("long", new(string), 8); c.Word("short", new(string), 2) }),
			wiretest.Raw(uint64(1), "ab", uint64(2)), wiretest.Raw(uint64(1), "abc", uint64(2))},
		"a word again": {fielder(func(c *wire.Coder) { c.Word("first", new(string), 8); c.Word("second", new(string), 8) }),
			wiretest.Raw(uint64(1), "a", uint64(1), "b"), wiretest.Raw(uint64(1), "a", uint64(1), "a")},
		"a text at the end": {fielder(func(c *wire.Coder) { c.Text("t", new(string), 8) }), wiretest.Raw("ab"), wiretest.Raw("ab")[:3]},
		"the first second": {fielder(func(c *wire.Coder) { c.Seconds("t", new(time.Time)) }),
			wiretest.Raw(uint64(2 * (62_135_596_800 - 1))), wiretest.Raw(uint64(2 * 62_135_596_800))},
		"the last second": {fielder(func(c *wire.Coder) { c.Seconds("t", new(time.Time)) }),
			wiretest.Raw(uint64(2*253_402_300_799 + 1)), wiretest.Raw(uint64(2*253_402_300_800 + 1))},
	} {
		require.NoError(t, wire.Decode(c.good, c.v), name)
		require.ErrorIs(t, wire.Decode(c.no, c.v), wire.ErrMalformed, name)
	}
}

// A fielder is a function with the one method of its kind.
type fielder func(*wire.Coder)

func (f fielder) Fields(c *wire.Coder) { f(c) }

// A number has one spelling.
func TestOverlongNumbers(t *testing.T) {
	for name, data := range map[string][]byte{
		"two bytes for zero":     {wire.Written, 0x80, 0},
		"two bytes for one":      {wire.Written, 0x81, 0},
		"three bytes":            {wire.Written, 0x81, 0x80, 0},
		"more than 64 bits":      append([]byte{wire.Written}, append(bytes.Repeat([]byte{0xff}, 9), 2)...),
		"without an end":         append([]byte{wire.Written}, bytes.Repeat([]byte{0x80}, 20)...),
		"none":                   {wire.Written},
		"two bytes for a format": {wire.Written | 0x80, 0, 1},
	} {
		var l large
		require.ErrorIs(t, wire.Decode(data, &l), wire.ErrMalformed, name)
	}
}

// An error names the field and shows nothing of its value.
func TestErrorsShowNothing(t *testing.T) {
	s := good()
	s.Text = "SECRET-SECRET"
	_, err := wire.Encode(&s)
	require.ErrorContains(t, err, "text")
	require.NotContains(t, err.Error(), "SECRET")

	s.Text = "SECRET"
	data := wiretest.Write(t, &s)
	for n := range data {
		err := wire.Decode(data[:n], new(sample))
		require.ErrorIs(t, err, wire.ErrMalformed)
		require.NotContains(t, err.Error(), "SECRET")
	}
}

// The formats that can be read have no gap and include the one that is written; a release
// reads at most one format more than it writes.
func TestFormats(t *testing.T) {
	require.LessOrEqual(t, wire.Oldest, wire.Written)
	require.LessOrEqual(t, wire.Written, wire.Newest)
	require.LessOrEqual(t, wire.Newest, wire.Written+1)
}

// A release writes nothing that the release before it cannot read, and reads everything
// that it writes: during an upgrade, both write the same records. The first release has
// format 1 as its predecessor's.
func TestFormatsFollowTheLastRelease(t *testing.T) {
	require.LessOrEqual(t, wire.Written, max(wiretest.ReleasedNewest, 1), "a release reads a format before any release writes it: lower wire.Written")
	require.LessOrEqual(t, wire.Oldest, max(wiretest.ReleasedWritten, 1), "the last release writes an older format than this one reads: lower wire.Oldest")
}

// What is shown of bytes is what is in them, and no format is written that the release
// does not read, or that came before its own.
func TestOtherFormats(t *testing.T) {
	s := good()
	data, err := wire.EncodeAs(wire.Written, &s)
	require.NoError(t, err)
	require.Equal(t, wiretest.Write(t, &s), data)
	var back sample
	view, err := wire.DecodeView(data, &back)
	require.NoError(t, err)
	require.Equal(t, wiretest.View(t, &s), view)
	require.Equal(t, s, back)
	_, err = wire.DecodeView(data[:len(data)-1], &back)
	require.ErrorIs(t, err, wire.ErrMalformed)
	for _, format := range []uint64{wire.Written - 1, wire.Newest + 1} {
		_, err = wire.EncodeAs(format, &s)
		require.ErrorIs(t, err, wire.ErrMalformed)
	}
}

// Bytes that can be read are the only encoding of their value.
func FuzzDecode(f *testing.F) {
	s := good()
	f.Add(wiretest.Write(f, &s))
	f.Add(wiretest.Write(f, &sample{Small: 1, Mode: "off", Tag: "ab", Hex: "000000"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, ok := wiretest.TryRead[sample](t, data)
		require.Equal(t, ok, wire.Decode(data, new(sample)) == nil)
		view, err := wire.DecodeView(data, new(sample))
		require.Equal(t, ok, err == nil)
		if !ok {
			return
		}
		require.Equal(t, wiretest.View(t, &s), view)
		require.Equal(t, s, wiretest.Read[sample](t, wiretest.Write(t, &s)))
		require.True(t, strings.HasPrefix(view, "{"))
	})
}

// A value that can be written is read back unchanged.
func FuzzEncode(f *testing.F) {
	f.Add(1, uint64(2), int64(-3), []byte{4}, "five", "six", int64(7), int64(8))
	f.Fuzz(func(t *testing.T, small int, big uint64, signed int64, b []byte, text, word string, seconds, nanos int64) {
		s := sample{
			Small: small, Big: big, Signed: signed, Mode: "off", Bytes: b, Text: text, Tag: "ab", Hex: "000000", Words: []string{word, text, word},
			Seconds: time.Unix(seconds, 0).UTC(), Instant: time.Unix(seconds, nanos).UTC(), List: []point{{X: signed}},
		}
		data, err := wire.Encode(&s)
		if err != nil {
			require.ErrorIs(t, err, wire.ErrMalformed)
			return
		}
		if len(b) == 0 {
			s.Bytes = nil
		}
		require.Equal(t, s, wiretest.Read[sample](t, data))
	})
}
