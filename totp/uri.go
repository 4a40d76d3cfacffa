package totp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// scheme is how every key URI for TOTP begins. HOTP, and the Steam codes of some exports,
// are different schemes.
const scheme = "otpauth://totp/"

// maxURI is room for the longest that Key.URI writes.
const maxURI = 4096 // bytes

// URI REVEALS the secret, in the form that authenticator apps scan and that [ParseURI] reads back (Key URI format):
//
//	otpauth://totp/Acme%20Corp:alice%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme%20Corp
//
// Algorithm, digits and period are added only where they are not the format's defaults:
// apps need no more, and the QR code stays small. The error is [ErrNoKey], or [ErrLabel]
// for names that are too long, not UTF-8, begin or end with white space, or contain a
// colon or control characters, among them those for bidirectional text.
//
// Show it to its owner once, over TLS, and do not log it. It is also the form to store, sealed.
func (k Key) URI(l Label) (string, error) {
	if k.IsZero() {
		return "", ErrNoKey
	}
	if err := l.check(); err != nil {
		return "", err
	}
	p := k.reveal().params
	b := make([]byte, 0, 512) // on the stack, and enough for nearly all
	b = append(b, scheme...)
	if l.Issuer != "" {
		b = append(appendEscaped(b, l.Issuer), ':')
	}
	b = appendEscaped(b, l.Account)
	b = encoding32.AppendEncode(append(b, "?secret="...), k.reveal().secret)
	if l.Issuer != "" {
		b = appendEscaped(append(b, "&issuer="...), l.Issuer)
	}
	if p.Algorithm != SHA1 {
		b = append(append(b, "&algorithm="...), p.Algorithm.String()...)
	}
	if p.Digits != minDigits {
		b = strconv.AppendInt(append(b, "&digits="...), int64(p.Digits), 10)
	}
	if p.Period != defaultPeriod {
		b = strconv.AppendInt(append(b, "&period="...), p.seconds(), 10)
	}
	return string(b), nil
}

// ParseURI reads a key URI (Key URI format) of type totp. It refuses spellings that two readers could understand
// differently, so that the app and the server cannot end up with different keys: parameters given twice or unknown, raw
// "+" and ";" in the query, fragments, characters that RFC 3986 wants escaped, numbers with signs or leading zeros, and
// an issuer parameter that differs from the prefix of the label. Values are checked as by [ParseSecret], [Params] and
// [Key.URI]. The error is [ErrURI], joined with [ErrSecret], [ErrParams] or [ErrLabel]
// where one of them is the reason, and repeats nothing of the input.
func ParseURI(uri string) (Key, Label, error) {
	key, label, err := parseURI(uri, minSecret)
	if err != nil {
		return Key{}, Label{}, fmt.Errorf("%w: %w", ErrURI, err)
	}
	return key, label, nil
}

// ParseStored reads back what [Key.URI] wrote. It is [ParseURI] for storage: it also
// accepts a key that is [Key.Weak], since keys from ReadURI must stay readable.
func ParseStored(uri string) (Key, Label, error) {
	key, label, err := parseURI(uri, minWeak)
	if err != nil {
		return Key{}, Label{}, fmt.Errorf("%w: %w", ErrURI, err)
	}
	return key, label, nil
}

func parseURI(uri string, least int) (Key, Label, error) {
	if len(uri) > maxURI {
		return Key{}, Label{}, reason("longer than 4096 bytes")
	}
	rest, ok := strings.CutPrefix(uri, scheme)
	if !ok {
		return Key{}, Label{}, reason("does not begin with otpauth://totp/")
	}
	path, rawQuery, _ := strings.Cut(rest, "?")
	query, err := parseQuery(rawQuery)
	if err != nil {
		return Key{}, Label{}, err
	}
	label, err := parseLabel(path, query)
	if err != nil {
		return Key{}, Label{}, err
	}
	params, err := parseParams(query)
	if err != nil {
		return Key{}, Label{}, err
	}
	params, err = params.complete()
	if err != nil {
		return Key{}, Label{}, err
	}
	key, err := parseSecret(query["secret"], params, least)
	if err != nil {
		return Key{}, Label{}, err
	}
	if !plainSecret(query["secret"], key) {
		return Key{}, Label{}, fmt.Errorf("%w: not canonical base32", ErrSecret)
	}
	return key, label, nil
}

// parseQuery returns the parameters, none of them empty. A parameter given twice is the classic way to make two readers
// disagree: one takes the first secret, one the last.
func parseQuery(raw string) (map[string]string, error) {
	if raw == "" {
		return nil, reason("no parameters")
	}
	query := make(map[string]string, 5)
	for pair := range strings.SplitSeq(raw, "&") {
		name, escaped, _ := strings.Cut(pair, "=")
		switch name {
		case "secret", "issuer", "algorithm", "digits", "period":
		default:
			return nil, reason("unknown parameter")
		}
		if query[name] != "" {
			return nil, reason(name + " given twice")
		}
		value, ok := unescape(escaped, inQuery)
		if !ok || value == "" {
			return nil, reason(name + " is empty or badly escaped")
		}
		query[name] = value
	}
	return query, nil
}

// parseLabel reads label = account / issuer (":" / "%3A") *"%20" account.
func parseLabel(path string, query map[string]string) (Label, error) {
	text, ok := unescape(path, inPath)
	if !ok {
		return Label{}, fmt.Errorf("%w: badly escaped", ErrLabel)
	}
	label := Label{Issuer: query["issuer"], Account: text}
	if prefix, account, found := strings.Cut(text, ":"); found {
		if prefix == "" || label.Issuer != "" && label.Issuer != prefix {
			return Label{}, fmt.Errorf("%w: issuer and prefix differ", ErrLabel)
		}
		label = Label{Issuer: prefix, Account: strings.TrimLeft(account, " ")}
	}
	return label, label.check()
}

// parseParams starts from the format's defaults. An explicit zero is not a default:
// period=0 is refused, not read as 30.
func parseParams(query map[string]string) (p Params, err error) {
	if text, ok := query["algorithm"]; ok {
		if p.Algorithm, err = ParseAlgorithm(text); err != nil {
			return Params{}, err
		}
	}
	if text, ok := query["digits"]; ok {
		if p.Digits, err = parseNumber(text); err != nil {
			return Params{}, err
		}
	}
	if text, ok := query["period"]; ok {
		seconds, err := parseNumber(text)
		if err != nil {
			return Params{}, err
		}
		p.Period = time.Duration(seconds) * time.Second
	}
	return p, nil
}

// parseNumber reads a number from 1 to 999 as [strconv.Itoa] writes it.
func parseNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 999 || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("%w: bad number", ErrParams)
	}
	return n, nil
}

// reason is a part of an [ErrURI] that has no sentinel of its own.
type reason string

func (r reason) Error() string { return string(r) }
