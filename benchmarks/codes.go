package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"image"
	"image/color"
	"image/png"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/securecookie"
	peerotp "github.com/pquerna/otp"
	peer "github.com/pquerna/otp/totp"
	"golang.org/x/crypto/bcrypt"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// secret is a key of twenty bytes.
const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" //nolint:gosec // of RFC 6238, appendix B

// label is what the app shows.
var label = totp.Label{Issuer: "Acme Backup", Account: "alice@example.com"}

// An algorithm is one of ours, its name in the peer's package, and its bare hash.
type algorithm struct {
	name           string
	ours           totp.Algorithm
	theirs         peerotp.Algorithm
	hash           func() hash.Hash
	string, parsed float64 // goals of a check
}

var algorithms = []algorithm{
	{"SHA1", totp.SHA1, peerotp.AlgorithmSHA1, sha1.New, 4, 7.5},
	{"SHA256", totp.SHA256, peerotp.AlgorithmSHA256, sha256.New, 4, 7.5},
	{"SHA512", totp.SHA512, peerotp.AlgorithmSHA512, sha512.New, 2.5, 4.5},
}

// always is an arm that needs nothing prepared.
func always(name string, call func()) arm {
	return arm{name, func(*lab) (calls, error) { return calls{call: func(int) { call() }}, nil }}
}

// codes are the works of package totp, against github.com/pquerna/otp.
func codes() (works []work) {
	for _, a := range algorithms {
		key, err := totp.ParseSecret(secret, totp.Params{Algorithm: a.ours})
		check(err)
		params := totp.Params{Algorithm: a.ours}
		theirs := peer.ValidateOpts{Period: 30, Skew: 1, Digits: peerotp.DigitsSix, Algorithm: a.theirs}
		refused := always("pquerna", func() {
			if ok, _ := peer.ValidateCustom("000000", secret, noon, theirs); ok {
				panic("accepted")
			}
		})
		theirCode := always("pquerna", func() { _, err := peer.GenerateCodeCustom(secret, noon, theirs); check(err) })
		fromString := always("totpflow", func() {
			k, err := totp.ParseSecret(secret, params)
			check(err)
			if _, err := k.Verify("000000", noon, 0, totp.Standard()); err == nil {
				panic("accepted")
			}
		})
		parsed := always("totpflow", func() {
			if _, err := key.Verify("000000", noon, 0, totp.Standard()); err == nil {
				panic("accepted")
			}
		})
		var room [8]byte
		ourCode := always("totpflow", func() {
			k, err := totp.ParseSecret(secret, params)
			check(err)
			_, err = k.AppendCode(room[:0], noon)
			check(err)
		})
		works = append(works,
			work{name: "Refuse", variant: a.name + "-string", title: "refuse a wrong code at ±1 step, " + a.name + ", from the secret's text", ours: fromString, base: refused, goal: faster(a.string)},
			work{name: "Refuse", variant: a.name + "-string-floor", title: "the same against the six bare calls of the hash that it needs", ours: fromString, base: sums(a, 3)},
			work{name: "Refuse", variant: a.name + "-parsed", title: "the same with a parsed key", ours: parsed, base: refused, goal: faster(a.parsed)},
			work{name: "Refuse", variant: a.name + "-floor", title: "the same against six compressions of the hash in bulk", ours: parsed, base: bulk(a.hash)},
			work{name: "Generate", variant: a.name + "-string", title: "make a code, " + a.name + ", from the secret's text", base: theirCode, ours: ourCode, goal: onlyFor(a.ours, 3)},
			work{name: "Generate", variant: a.name + "-string-floor", title: "the same against the two bare calls of the hash that it needs", base: sums(a, 1), ours: ourCode},
			work{name: "Generate", variant: a.name + "-parsed", title: "the same with a parsed key", base: theirCode, ours: always("totpflow", func() {
				_, err := key.AppendCode(room[:0], noon)
				check(err)
			}), goal: onlyFor(a.ours, 6)})
	}
	return works
}

// onlyFor is a goal for SHA-1, which nearly every key uses.
func onlyFor(a totp.Algorithm, ratio float64) goal {
	if a != totp.SHA1 {
		return goal{}
	}
	return faster(ratio)
}

// bulk hashes, in one long message, as many blocks as a check at ±1 step with both key
// pads absorbed: no check of short messages can be as fast.
func bulk(make func() hash.Hash) arm {
	h := make()
	blocks := bytes.Repeat([]byte{1}, 6*h.BlockSize())
	return always("bulk", func() { h.Write(blocks) })
}

// sums are the bare calls of the hash that the codes of so many steps need, each of a
// block with a key's pad and a short message.
func sums(a algorithm, steps int) arm {
	inner, outer := make([]byte, a.hash().BlockSize()+8), make([]byte, a.hash().BlockSize()+a.hash().Size())
	sum := map[totp.Algorithm]func([]byte) byte{
		totp.SHA1:   func(data []byte) byte { return sha1.Sum(data)[0] }, //nolint:gosec // the algorithm of RFC 6238
		totp.SHA256: func(data []byte) byte { return sha256.Sum256(data)[0] },
		totp.SHA512: func(data []byte) byte { return sha512.Sum512(data)[0] },
	}[a.ours]
	return always("hash", func() {
		for range steps {
			outer[0] = sum(inner)
			inner[0] = sum(outer)
		}
	})
}

// offers are keys, URIs and pictures.
func offers() []work {
	key, err := totp.ParseSecret(secret, totp.Params{})
	check(err)
	offer, err := enroll.NewOffer(key, label)
	check(err)
	theirs, err := peerotp.NewKeyFromURL(offer.URI())
	check(err)
	picture, err := offer.PNG(0)
	check(err)
	decoded, err := png.Decode(bytes.NewReader(picture))
	check(err)
	width, height := decoded.Bounds().Dx(), decoded.Bounds().Dy()
	empty, bits := image.NewPaletted(decoded.Bounds(), color.Palette{color.White, color.Black}), bitsOf(decoded)
	ours := always("totpflow", func() { _, err := offer.PNG(0); check(err) })
	return []work{
		{name: "NewKey", variant: "uri", title: "draw a key and write its URI", goal: faster(6),
			ours: always("totpflow", func() {
				k, err := totp.NewKey(totp.Params{})
				check(err)
				_, err = k.URI(label)
				check(err)
			}),
			base: always("pquerna", func() {
				k, err := peer.Generate(peer.GenerateOpts{Issuer: label.Issuer, AccountName: label.Account})
				check(err)
				_ = k.URL()
			})},
		{name: "QR", variant: "png", title: "the QR code as a PNG file of the same size in pixels", goal: faster(12),
			ours: ours,
			base: always("pquerna", func() {
				img, err := theirs.Image(width, height)
				check(err)
				var b bytes.Buffer
				check(png.Encode(&b, img))
			})},
		{name: "QR", variant: "png-floor", title: "the same against image/png alone, with an empty picture of that size", ours: ours, base: always("image-png", func() {
			var b bytes.Buffer
			check(png.Encode(&b, empty))
		})},
		{name: "QR", variant: "compression-floor", title: "the same against the bare compression of its bits", ours: ours, base: always("zlib", func() {
			w := zlib.NewWriter(&bytes.Buffer{})
			_, err := w.Write(bits)
			check(err)
			check(w.Close())
		})},
	}
}

// bitsOf are the rows of a black and white picture as a PNG file keeps them before they are compressed: a byte for the
// filter and a bit for each pixel.
func bitsOf(picture image.Image) (bits []byte) {
	size := picture.Bounds().Size()
	for y := range size.Y {
		row := make([]byte, 1+(size.X+7)/8)
		for x := range size.X {
			if r, _, _, _ := picture.At(x, y).RGBA(); r == 0 {
				row[1+x/8] |= 0x80 >> (x % 8)
			}
		}
		bits = append(bits, row...)
	}
	return bits
}

// tokens are the checks of a trusted browser and of a recovery code.
func tokens() []work {
	ring, err := keyring.Parse(keyring.Generate())
	check(err)
	scope := trust.Scope{Tenant: "acme", User: "user-0000042", Audience: "Acme Backup"}
	token, browser := trust.Issue(ring, scope, "Firefox on Windows", noon)
	known := []trust.Browser{browser}
	ours := always("totpflow", func() {
		_, err := trust.Check(ring, scope, token, known, noon, trust.DefaultAge)
		check(err)
	})

	jwtKey := []byte("0123456789abcdef0123456789abcdef")
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": scope.User, "tenant": scope.Tenant, "aud": scope.Audience, "id": browser.ID, "iat": noon.Unix()}).SignedString(jwtKey)
	check(err)
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(func() time.Time { return noon }))
	cookies := securecookie.New(jwtKey, nil)
	value := map[string]string{"user": scope.User, "tenant": scope.Tenant, "id": browser.ID}
	encoded, err := cookies.Encode("trust", value)
	check(err)

	// The HMAC of what the tag covers, five fields with their lengths, and the hash of the secret.
	covered := len(scope.Tenant) + len(scope.User) + len(scope.Audience) + len("1") + base64.RawURLEncoding.DecodedLen(len(token)) - keyring.TagSize
	inner, outer, stored := make([]byte, sha256.BlockSize+5*8+covered), make([]byte, sha256.BlockSize+sha256.Size), make([]byte, 32)

	codes, set := recovery.New(noon)
	hashes := make([][]byte, len(codes))
	return []work{
		{name: "Trust", variant: "golang-jwt", title: "check a trusted browser against an HS256 token of golang-jwt", ours: ours, goal: faster(6),
			base: always("golang-jwt", func() {
				_, err := parser.Parse(signed, func(*jwt.Token) (any, error) { return jwtKey, nil })
				check(err)
			})},
		{name: "Trust", variant: "securecookie", title: "the same against gorilla/securecookie", ours: ours, goal: faster(3),
			base: always("securecookie", func() {
				var into map[string]string
				check(cookies.Decode("trust", encoded, &into))
			})},
		{name: "Trust", variant: "floor", title: "the same against the three bare calls of SHA-256 that it needs", ours: ours,
			base: always("hash", func() {
				outer[0] = sha256.Sum256(inner)[0]
				inner[0] = sha256.Sum256(outer)[0]
				stored[0] = sha256.Sum256(stored)[0]
			})},
		{name: "Recovery", variant: "bcrypt", title: "refuse a recovery code of ten against ten of bcrypt at cost 10",
			ours: always("totpflow", func() {
				d, err := set.Derive(context.Background(), "AAAA-AAAA-AAAA-AAAA")
				if err == nil {
					_, err = set.Redeem(noon, d)
				}
				if err == nil {
					panic("accepted")
				}
			}),
			base: arm{"bcrypt", func(*lab) (calls, error) {
				for i, code := range codes {
					var err error
					if hashes[i], err = bcrypt.GenerateFromPassword([]byte(code), 10); err != nil {
						return calls{}, err
					}
				}
				return calls{call: func(int) {
					for _, h := range hashes {
						if bcrypt.CompareHashAndPassword(h, []byte("AAAA-AAAA-AAAA-AAAA")) == nil {
							panic("accepted")
						}
					}
				}}, nil
			}}, heavy: true},
	}
}
