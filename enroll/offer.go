package enroll

import (
	"errors"
	"fmt"
	"strings"

	"rsc.io/qr"

	"github.com/totpflow/totpflow/totp"
)

// Pixels per module of a picture. Below six, phone cameras begin to fail; the
// error correction level matters much less.
const (
	defaultScale = 8
	minScale     = 6
	maxScale     = 32
)

// ErrScale means that a picture was asked for with fewer than 6 or more than 32
// pixels per module.
var ErrScale = errors.New("enroll: scale outside 6 to 32")

// Offer shows a candidate's key to the person who is to enroll it: as a QR code
// to scan and as a secret to type. It is made in this process: sending the URI to a chart
// service would give the secret away.
//
// Each of its methods REVEALS the secret. Send the results over TLS to the person who
// began the enrollment, with Cache-Control: no-store, and do not log them. Printing or
// encoding the Offer itself shows nothing. Safe for concurrent use.
type Offer struct {
	key   totp.Key
	label totp.Label
}

// NewOffer returns the offer of a key under the names that the authenticator app
// will show. Errors are those of totp.Key.URI.
func NewOffer(k totp.Key, l totp.Label) (Offer, error) {
	o := Offer{key: k, label: l}
	uri, err := k.URI(l)
	if err != nil {
		return Offer{}, fmt.Errorf("enroll: %w", err)
	}
	if _, err := newSymbol(uri, qr.M, quietPicture); err != nil {
		return Offer{}, err // unreachable with the lengths that URI allows
	}
	return o, nil
}

// URI returns the otpauth:// key URI. On a phone it can be a link that opens the
// authenticator app; html/template takes it as template.URL(o.URI()), and the
// SVG as template.HTML(o.SVG()). It is "" for the zero Offer, as are Secret, SVG
// and Terminal.
func (o Offer) URI() string {
	uri, err := o.key.URI(o.label)
	if err != nil {
		return "" // NewOffer saw it succeed: this is the zero Offer
	}
	return uri
}

// Secret returns the secret in base32 for typing, grouped by four with spaces,
// which totp.ParseSecret and the common apps ignore. Show it next to the QR code:
// some people have no camera, and some cannot see the picture.
func (o Offer) Secret() string {
	secret := o.key.Secret()
	var groups []string
	for len(secret) > 4 {
		groups = append(groups, secret[:4])
		secret = secret[4:]
	}
	return strings.Join(append(groups, secret), " ")
}

// PNG returns the QR code as a PNG file, black on white whatever the page's
// colours, with a quiet zone of four modules. scale is in pixels per module: 6 to
// 32, 0 for 8; otherwise [ErrScale]. Show it at its own size: a picture scaled down is
// read badly. The error is totp.ErrNoKey for the zero Offer.
func (o Offer) PNG(scale int) ([]byte, error) {
	if scale == 0 {
		scale = defaultScale
	}
	if scale < minScale || scale > maxScale {
		return nil, ErrScale
	}
	if o.key.IsZero() {
		return nil, fmt.Errorf("enroll: %w", totp.ErrNoKey)
	}
	s, err := newSymbol(o.URI(), qr.M, quietPicture)
	if err != nil {
		return nil, err
	}
	return s.png(scale)
}

// SVG returns the QR code as an <svg> element with its own white background, to be put
// into a page as it is or served as image/svg+xml. It consists of digits and fixed text
// only: no part of a name is in it as text.
func (o Offer) SVG() string {
	if o.key.IsZero() {
		return ""
	}
	s, err := newSymbol(o.URI(), qr.M, quietPicture)
	if err != nil {
		return ""
	}
	return s.svg(defaultScale)
}

// Terminal returns the QR code in half-block characters, two modules per cell,
// each line ended by \n. With colour it is black on white by ANSI sequences and
// read on every terminal of 256 colours. Without colour (NO_COLOR, a log, a pipe to a
// file) it is right only on a terminal with light text on a dark background.
//
// The lowest error correction and a quiet zone of two keep it small: a short
// e-mail address fits 80×24, a long label does not. Print Secret beside it.
func (o Offer) Terminal(colour bool) string {
	if o.key.IsZero() {
		return ""
	}
	s, err := newSymbol(o.URI(), qr.L, quietTerminal)
	if err != nil {
		return ""
	}
	return s.terminal(colour)
}

// String returns a fixed text without the secret or the names.
func (o Offer) String() string { return "enroll.Offer([redacted])" }

// GoString is String for %#v.
func (o Offer) GoString() string { return o.String() }
