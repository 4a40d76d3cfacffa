// Package wire is the binary form of everything that this module stores or
// seals: compact, strict and canonical, without reflection.
//
// A type describes itself by one method, Fields, that goes through its fields in
// order. The same method writes, reads and shows the fields, so that reading and
// writing cannot drift apart:
//
//	func (g *Grace) Fields(c *wire.Coder) {
//		c.Millis("begun", &g.Begun)
//		c.Millis("until", &g.Until)
//	}
//
// [Encode] and [Decode] are the calls to begin with. What they write is a format
// number (see [Written]) and then the fields, one after the other, without names
// and without padding:
//
//   - number: a varint as protobuf and [binary.AppendUvarint] have it, seven bits
//     a byte, the lowest first. One spelling: the last byte of several is not zero.
//   - signed number: a number in zigzag order: 0, -1, 1, -2 are 0, 1, 2, 3.
//   - bool: one byte, 0 or 1.
//   - fixed bytes: as many as the field has, nothing before them.
//   - bytes, text: their length as a number, then the bytes. Text may have any.
//   - hex: a text of lower-case hexadecimal digits of a known length, as the bytes
//     that it stands for.
//   - word: a text that is likely to come again. 0 is the empty text; 1 is
//     followed by a text that is new; n ≥ 2 is the text that was the n−1st new one.
//     No text is written out a second time.
//   - time: 0 for the zero time, otherwise one more than the signed number of
//     milliseconds or seconds since 1970, rounded down. Years 1 to 9999.
//   - instant: a time in seconds and, unless it is zero, a number of nanoseconds.
//   - list: its length as a number, then its items.
//   - part: its fields.
//   - optional part: 0 where it is zero, otherwise 1 and its fields.
//
// Writing changes nothing in the value, so that several goroutines may write one
// value at once.
//
// Reading ends with [ErrMalformed] if a number is overlong or out of the field's
// bounds, if a text is longer than its field may be, if a bool is neither 0 nor 1,
// if an optional part is there and zero, or if bytes are missing or left over. A
// value therefore has one encoding, and no byte is read and lost. Before memory is
// allocated for a length, the length is compared with its bound and with the number
// of bytes that are left.
package wire
