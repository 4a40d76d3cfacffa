package wire

import (
	"encoding/hex"
	"fmt"
)

// take returns the next n bytes of the input, or nil if there are fewer.
func (c *Coder) take(name string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if n > len(c.data) {
		c.fail(name, "is cut off")
		return nil
	}
	taken := c.data[:n:n]
	c.data = c.data[n:]
	return taken
}

// takeText is take for a text.
func (c *Coder) takeText(name string, n int) string {
	at := len(c.all) - len(c.data)
	if c.take(name, n) == nil {
		return ""
	}
	return c.all[at : at+n]
}

// Fixed is a field with as many bytes as b has.
func (c *Coder) Fixed(name string, b []byte) {
	if c.reading {
		copy(b, c.take(name, len(b)))
	} else {
		c.data = append(c.data, b...)
	}
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("%d bytes", len(b)), hex.EncodeToString(b))
	}
}

// FixedText is a field with a text of exactly size bytes.
func (c *Coder) FixedText(name string, s *string, size int) {
	switch {
	case c.reading:
		*s = c.takeText(name, size)
	case len(*s) != size:
		c.fail(name, "is not as long as it must be")
	default:
		c.data = append(c.data, *s...)
	}
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("%d bytes", size), hex.EncodeToString([]byte(*s)))
	}
}

// Bytes is a field of at most most bytes.
func (c *Coder) Bytes(name string, b *[]byte, most int) {
	n := int(c.number(name, uint64(len(*b)), 0, uint64(most)))
	if c.reading {
		*b = append((*b)[:0], c.take(name, n)...)
	} else {
		c.data = append(c.data, *b...)
	}
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("bytes, at most %d", most), hex.EncodeToString(*b))
	}
}

// Text is a field with a text of at most most bytes.
func (c *Coder) Text(name string, s *string, most int) {
	c.text(name, s, most)
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("text, at most %d", most), *s)
	}
}

func (c *Coder) text(name string, s *string, most int) {
	n := int(c.number(name, uint64(len(*s)), 0, uint64(most)))
	if c.reading {
		*s = c.takeText(name, n)
	} else {
		c.data = append(c.data, *s...)
	}
}

// Hex is a field of a text of lower-case hexadecimal digits for size bytes.
func (c *Coder) Hex(name string, s *string, size int) {
	if c.reading {
		var digits [64]byte // large enough for most values
		*s = string(hex.AppendEncode(digits[:0], c.take(name, size)))
	} else {
		c.hex(name, *s, size)
	}
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("hex of %d bytes", size), *s)
	}
}

// hex writes the bytes that s stands for.
func (c *Coder) hex(name, s string, size int) {
	good := len(s) == 2*size
	for i := range len(s) {
		good = good && ('0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f')
	}
	if !good {
		c.fail(name, "is not lower-case hexadecimal of its length")
	}
	for i := 0; i < len(s) && c.err == nil; i += 2 {
		c.data = append(c.data, nibble(s[i])<<4|nibble(s[i+1]))
	}
}

func nibble(digit byte) byte {
	if digit >= 'a' {
		return digit - 'a' + 10
	}
	return digit - '0'
}

// Word is a field with a text of at most most bytes that other words of the same value
// are likely to repeat.
func (c *Coder) Word(name string, s *string, most int) {
	c.word(name, s, most)
	if c.view != nil {
		c.view.value(name, fmt.Sprintf("word, at most %d", most), *s)
	}
}

func (c *Coder) word(name string, s *string, most int) {
	switch place := c.number(name, c.place(*s), 0, uint64(len(c.words))+1); {
	case place == 0: // the empty text, which is always known
	case place > 1:
		word := c.words[place-2]
		if len(word) > most {
			c.fail(name, "is too long")
		}
		if c.reading {
			*s = word
		}
	default:
		c.text(name, s, most)
		if c.reading && c.place(*s) != 1 {
			c.fail(name, "is spelled out a second time")
		}
		if c.words == nil {
			c.words = make([]string, 0, 16)
		}
		c.words = append(c.words, *s)
	}
}

// place returns 0 for the empty text, 1 for a new one, and otherwise the index of the
// text among the words plus two.
func (c *Coder) place(s string) uint64 {
	if s == "" {
		return 0
	}
	for i, w := range c.words {
		if w == s {
			return uint64(i) + 2
		}
	}
	return 1
}
