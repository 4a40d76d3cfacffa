package qr_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest/qrscan"
)

// run starts a program and returns its standard output. Standard error is shown only if
// it fails: zbarimg complains about D-Bus there even if it has read the code.
func run(t testing.TB, debianPackage, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: install the Debian package %s", name, debianPackage)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s: %s", name, &stderr)
	return stdout.Bytes()
}

// requireRead requires that both readers read a picture.
func requireRead(t testing.TB, want string, img image.Image) {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, img))
	requireReadPNG(t, want, file.Bytes())
}

func requireReadPNG(t testing.TB, want string, file []byte) {
	t.Helper()
	text, err := qrscan.Decode(file)
	require.NoError(t, err, "ZXing")
	require.Equal(t, want, text, "ZXing")

	path := filepath.Join(t.TempDir(), "code.png")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	out := run(t, "zbar-tools", "zbarimg", "-q", "--raw", "--oneshot", "--nodbus", path)
	require.Equal(t, want, strings.TrimSuffix(string(out), "\n"), "zbar")
}

// onPage puts a picture on a larger background, as a page with a dark theme does.
func onPage(img image.Image, ground color.Color) image.Image {
	const margin = 60
	page := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx()+2*margin, img.Bounds().Dy()+2*margin))
	draw.Draw(page, page.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	draw.Draw(page, img.Bounds().Add(image.Pt(margin, margin)), img, img.Bounds().Min, draw.Over)
	return page
}
