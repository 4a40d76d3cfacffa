package canary

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A spelling is a form in which bytes get into a text, and its name.
type spelling struct{ name, text string }

// spellings returns those of some bytes. Of long values it uses the middle: tokens of one
// kind begin alike.
func spellings(b []byte) []spelling {
	const long = 32
	if len(b) > long {
		b = b[(len(b)-long)/2:][:long]
	}
	forms := []spelling{
		{"as it is", string(b)},
		{"lower case", string(bytes.ToLower(b))},
		{"upper case", string(bytes.ToUpper(b))},
		{"hex", hex.EncodeToString(b)},
		{"hex upper case", strings.ToUpper(hex.EncodeToString(b))},
		{"hex in pairs", fmt.Sprintf("% x", b)},
		{"Go quoted", trim(strconv.Quote(string(b)))},
		{"ASCII quoted", trim(strconv.QuoteToASCII(string(b)))},
		{"Redis quoted", quotedByRedis(b)},
		{"SQL quoted", quotedBySQL(b)},
	}
	for _, format := range []string{"%d ", "%d,", "%d, ", "%#x, ", "%#x,", "%#02x,", "%x ", `\%03o`} {
		forms = append(forms, spelling{"list " + format, list(b, format)})
	}
	// Five bytes and three are the groups that encode alike wherever they are.
	if n := len(b) / 5 * 5; n > 5 {
		text := base32.StdEncoding.EncodeToString(b[:n])
		forms = append(forms, spelling{"base32", text}, spelling{"base32 lower case", strings.ToLower(text)})
	}
	for skip := range 3 { // bytes that belong to the group before
		if n := (len(b) - skip) / 3 * 3; n >= 6 {
			part := b[skip : skip+n]
			forms = append(forms, spelling{"base64", base64.StdEncoding.EncodeToString(part)})
			forms = append(forms, spelling{"base64url", base64.URLEncoding.EncodeToString(part)})
		}
	}
	return forms
}

// list returns a list of numbers, of which the beginning is enough.
func list(b []byte, format string) string {
	var text strings.Builder
	for _, c := range b[:min(len(b), 12)] {
		fmt.Fprintf(&text, format, c)
	}
	return strings.TrimRight(text.String(), ", ")
}

func trim(quoted string) string { return quoted[1 : len(quoted)-1] }

// quotedByRedis quotes an argument as MONITOR shows it.
func quotedByRedis(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		if i := strings.IndexByte("\\\"\n\r\t\a\b", c); i >= 0 {
			text.WriteString(`\` + `\"nrtab`[i:i+1])
		} else if c >= ' ' && c <= '~' {
			text.WriteByte(c)
		} else {
			fmt.Fprintf(&text, `\x%02x`, c)
		}
	}
	return text.String()
}

// quotedBySQL quotes bytes in a statement as MySQL and MariaDB do: bytes that are not
// UTF-8 get a backslash as well.
func quotedBySQL(b []byte) string {
	var text strings.Builder
	for len(b) > 0 {
		char, size := utf8.DecodeRune(b)
		if i := strings.IndexByte("\x00\n\r\\'\"\x1a", b[0]); i >= 0 {
			text.WriteString(`\` + `0nr\'"Z`[i:i+1])
		} else {
			if char == utf8.RuneError && size == 1 {
				text.WriteByte('\\')
			}
			text.Write(b[:size])
		}
		b = b[size:]
	}
	return text.String()
}
