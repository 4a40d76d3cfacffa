package main

import (
	"regexp"
	"strings"
)

// why explains, for a work that misses its goal, where the remaining time goes. It quotes
// the measurements: {Work/variant} is the time of ours, {Work/variant base} that of the
// base, {Work/variant ×} the ratio, and {Work} is that work at the same variant and number
// of clients.
var why = map[string]string{
	"Refuse":             "the bare calls of the hash take {Refuse/SHA1-string-floor base} for SHA-1, {Refuse/SHA256-string-floor base} for SHA-256 and {Refuse/SHA512-string-floor base} for SHA-512; the rest is decoding, one allocation for the key and one for the value that hides it from printers",
	"Refuse/parsed":      "six compressions in bulk take {Refuse/SHA1-floor base} for SHA-1, {Refuse/SHA256-floor base} for SHA-256 and {Refuse/SHA512-floor base} for SHA-512; the rest restores the states of the hash from bytes, which is the only way in which Go continues one",
	"Generate/parsed":    "the same: two states of the hash are restored from bytes",
	"Generate":           "the bare calls of the hash take {Generate/SHA1-string-floor base}; the rest is decoding, one allocation for the key and one for the value that hides it from printers",
	"NewKey":             "the rest is the system's random numbers and the secret's base32",
	"QR":                 "image/png alone takes {QR/png-floor base} for an empty picture of this size, since it asks for each pixel by itself; the compression of the bits is {QR/compression-floor base}. A PNG writer of our own would come close to the latter, but would have to be maintained",
	"Trust":              "the three bare calls of SHA-256 take {Trust/floor base}; the rest is the base64, the ring's key and the comparisons. States of the HMAC that are kept in the ring would save two of seven compressions, for a page of code",
	"SignIn":             "most of it is opening the record and reading it",
	"VerifyCode":         "opening and sealing these bytes and moving them through the store takes {VerifyCode/memory-floor base}, without reading a field or deciding anything",
	"WholeSignIn":        "the library and the database share two processors here, so the database loses each microsecond that the library uses: without a database, SignIn and VerifyCode take {SignIn/memory} and {VerifyCode/memory}, and one Get of seven fields has {Get ×} the speed of a bare read of two. Across a network, where a statement takes a millisecond, both sides would mostly wait for the same three round trips",
	"Session":            "without a database the call takes {SessionValid/memory}, and the Get alone has {Get ×} the speed of the bare read: it reads seven fields instead of two; on SQLite it also looks whether the file is still there, and with a server each call has a goroutine of its own, so that a caller can leave at the end of its context",
	"Page":               "every member of the page is opened",
	"CSV":                "every record is opened",
	"Reseal":             "each stale record is a durable write of its own, so that no sign-in waits for more than one; bare statements that do the same take {Reseal/all-stale base} for all",
	"SignInBesideReseal": "SQLite has one writer: a sign-in waits for one record of the reseal, and each of the two writes waits for the disk",
	"HotAccount":         "256 requests share the processors with the owner's",
	"Notifier":           "the notifier's goroutines wait in places of their own and use nothing that a sign-in needs",
	"Tally":              "one statement counts by an index",
	"Frozen":             "one statement reads an index",
	"OverAccounts":       "the index of a million rows is a level deeper, and less of it is in the page cache",
}

var quoted = regexp.MustCompile(`\{(\w+)(/[\w-]+)?( base| ×)?\}`)

// reason is why r misses its goal.
func reason(r result, all []result) string {
	_, own, _ := strings.Cut(r.work.full(), "/")
	text := why[r.work.name]
	if of, ok := why[r.work.name+"/parsed"]; ok && strings.HasSuffix(own, "-parsed") {
		text = of
	}
	return quoted.ReplaceAllStringFunc(text, func(quote string) string {
		part := quoted.FindStringSubmatch(quote)
		name := part[1] + part[2]
		if part[2] == "" {
			name += "/" + own
		}
		for _, other := range all {
			if other.work.full() != name {
				continue
			}
			switch part[3] {
			case " base":
				return duration(other.base.median)
			case " ×":
				return times(other.ratio.median) + " ×"
			}
			return duration(other.ours.median)
		}
		return "(not measured)"
	})
}
