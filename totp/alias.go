package totp

import "strings"

// meaning describes a parameter in a key URI of another program.
type meaning struct {
	param    string // its name in the format; "" for a parameter that does not change the key
	refused  string // why a value is refused, for a parameter that may change the key in an unknown way
	harmless string // the value that nevertheless changes nothing, in any case
}

// meanings are the known names, in lower case. The aliases come from libraries whose
// constructors have them and whose users write URIs by hand: interval from pyotp, step
// from otplib, algo and hash from many.
var meanings = map[string]meaning{
	"secret": {param: "secret"}, "issuer": {param: "issuer"},
	"algorithm": {param: "algorithm"}, "algo": {param: "algorithm"}, "alg": {param: "algorithm"}, "hash": {param: "algorithm"},
	"digits": {param: "digits"}, "digit": {param: "digits"},
	"period": {param: "period"}, "interval": {param: "period"}, "step": {param: "period"},

	"epoch":   {refused: "epoch is not 0: time that begins elsewhere", harmless: "0"},
	"t0":      {refused: "t0 is not 0: time that begins elsewhere", harmless: "0"},
	"offset":  {refused: "offset is not 0: time that begins elsewhere", harmless: "0"},
	"type":    {refused: "type is not totp", harmless: "totp"},
	"size":    {refused: "size may be the number of digits"},
	"encoder": {refused: "encoder: codes of another kind"},
}

// suspicious are parts of names that have to do with the key. An unknown name that
// contains one of them may be a future alias; ignoring it would make a key whose codes
// are never right.
var suspicious = []string{
	"secret", "algo", "hash", "hmac", "digit", "length", "period", "interval", "step", "epoch", "offset", "trunc", "encod",
}

// meaningOf compares names as they read after unescaping, in any case and without spaces
// around: a reader that overlooks "Digits=8" or "%20digits=8" ends up with another key.
func meaningOf(name string) meaning {
	name = lower(unescapeLoosely(strings.ReplaceAll(name, "+", " ")))
	name = withoutEntity(strings.TrimLeft(strings.TrimSpace(name), "&? "))
	if m, ok := meanings[name]; ok {
		return m
	}
	for _, part := range suspicious {
		if strings.Contains(name, part) {
			return meaning{refused: "a parameter with " + part + " in its name may change the key"}
		}
	}
	return meaning{}
}

// withoutEntity drops the remains of an "&" that was escaped for HTML, once or several
// times.
func withoutEntity(s string) string {
	for {
		rest := s
		for _, entity := range []string{"amp;", "#38;", "#038;", "#x26;"} {
			if len(rest) >= len(entity) && strings.EqualFold(rest[:len(entity)], entity) {
				rest = rest[len(entity):]
			}
		}
		if rest == s {
			return s
		}
		s = rest
	}
}

// hidesParameter reports whether a pair has a parameter of the key after ";" or "#": old readers take the one for "&", and
// the other ends the query for some and not for others.
func hidesParameter(pair string) bool {
	parts := strings.FieldsFunc(pair, func(r rune) bool { return r == ';' || r == '#' })
	for i, part := range parts {
		name, _, found := strings.Cut(part, "=")
		if m := meaningOf(name); i > 0 && found && (m.param != "" || m.refused != "") {
			return true
		}
	}
	return false
}
