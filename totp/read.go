package totp

import (
	"fmt"
	"strings"
)

// unnamed is the account of a URI that names none.
const unnamed = "unnamed"

// ReadURI reads a key URI of type totp that another program wrote, to take over its
// secrets: from an export of the previous system, or of an app. [ParseURI] refuses
// everything that readers may understand differently; ReadURI requires only that the key
// is beyond doubt:
//
//   - scheme, type, algorithm and names of parameters in any case; padding and any other spelling of [ParseSecret] in the
//     secret, "+" for a space; an "&" that was escaped for HTML, spaces around a name;
//   - the names that other programs give to parameters: algo, alg and hash for algorithm, digit for digits, interval and
//     step for period;
//   - names are for people. The issuer parameter wins over the prefix of the label; what [Key.URI] would refuse is
//     left out or cut; an account that is missing is "unnamed";
//   - parameters that cannot change the key do not count, such as image, color, lock and counter, and empty ones.
//
// Anything that may change the key in a way unknown to this package is refused by its
// name: encoder (Steam's codes of letters), another beginning of time (epoch, t0, offset,
// unless it is 0), size, another type, a name that has digit, period or the like in it,
// and a parameter after ";" or "#", which one reader takes for a parameter and the next
// does not. As in ParseURI, it refuses other types, a secret, an algorithm, digits or a
// period given twice, and values that [ReadSecret] and [Params] do not allow.
//
// A secret of 80 bits and more is read; see [Key.Weak]. An example from documentation is
// [ErrSample]. Key.URI accepts everything that ReadURI returns, and [ParseStored] reads
// it back as the same key. The error is [ErrURI], joined with [ErrSecret], [ErrSample] or
// [ErrParams] where one of them is the reason, and repeats nothing of the input.
//
// Do not use it for text that a user types: there, use ParseURI and require a code.
func ReadURI(uri string) (Key, Label, error) {
	key, label, err := readURI(uri)
	if err != nil {
		return Key{}, Label{}, fmt.Errorf("%w: %w", ErrURI, err)
	}
	return key, label, nil
}

func readURI(uri string) (Key, Label, error) {
	if len(uri) > maxURI {
		return Key{}, Label{}, reason("longer than 4096 bytes")
	}
	rest, raw, _ := strings.Cut(strings.Trim(uri, " \t\r\n"), "?")
	// The label may be missing altogether, and the slash before it with it.
	kind := strings.TrimSuffix(scheme, "/")
	if len(rest) < len(kind) || !strings.EqualFold(rest[:len(kind)], kind) {
		return Key{}, Label{}, reason("does not begin with otpauth://totp")
	}
	path := rest[len(kind):]
	if path != "" && path[0] != '/' {
		return Key{}, Label{}, reason("does not begin with otpauth://totp")
	}
	query, err := readQuery(raw)
	if err != nil {
		return Key{}, Label{}, err
	}
	params, err := parseParams(query)
	if err != nil {
		return Key{}, Label{}, err
	}
	key, err := ReadSecret(query["secret"], params)
	if err != nil {
		return Key{}, Label{}, err
	}
	return key, readLabel(strings.TrimPrefix(path, "/"), query["issuer"]), nil
}

// readQuery returns the parameters of the key that are not empty, under their names in
// the format.
func readQuery(raw string) (map[string]string, error) {
	query, seen := make(map[string]string, 5), make(map[string]bool, 5)
	for pair := range strings.SplitSeq(raw, "&") {
		pair = withoutEntity(pair)
		if hidesParameter(pair) {
			return nil, reason("a parameter after ; or #, which not every reader sees")
		}
		name, value, _ := strings.Cut(pair, "=")
		value = unescapeLoosely(strings.ReplaceAll(value, "+", " "))
		m := meaningOf(name)
		switch {
		case m.refused != "" && value != "" && !strings.EqualFold(value, m.harmless):
			return nil, reason(m.refused)
		case m.param == "":
			continue
		case seen[m.param] && m.param == "issuer":
			continue
		case seen[m.param]:
			return nil, reason(m.param + " given twice")
		}
		seen[m.param] = true
		if value != "" {
			query[m.param] = value
		}
	}
	return query, nil
}

// readLabel makes of any text a label that [Key.URI] accepts. A plus sign stays a plus
// sign here: in "alice+backup@example.com" it is part of the name.
func readLabel(path, issuer string) Label {
	prefix, account, found := strings.Cut(unescapeLoosely(path), ":")
	if !found {
		prefix, account = "", prefix
	}
	l := Label{Issuer: issuer, Account: account}.Clean()
	if l.Issuer == "" {
		l.Issuer = cleanName(prefix, maxIssuer)
	}
	if l.Account == "" {
		l.Account = unnamed
	}
	return l
}

// unescapeLoosely leaves a "%" that escapes nothing as it is.
func unescapeLoosely(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if ok1 && ok2 {
				b.WriteByte(high<<4 | low)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// lower is for ASCII: strings.ToLower would make a name of the query out of letters that no other reader takes for one.
func lower(s string) string {
	text := []byte(s)
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c - 'A' + 'a'
		}
	}
	return string(text)
}
