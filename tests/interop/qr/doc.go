// Package qr contains tests that read the QR codes of package enroll with readers that
// other people wrote: zbar and ZXing, on pictures as a browser, an SVG renderer and a
// terminal show them. It has no code of its own.
//
// They need three Debian packages: zbar-tools, librsvg2-bin and tmux. A test fails
// without them, since a skipped test proves nothing.
package qr
