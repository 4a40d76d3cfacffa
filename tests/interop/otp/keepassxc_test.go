package otp

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type keePassString struct{ Key, Value string }

type keePassEntry struct{ String []keePassString }

type keePassFile struct {
	XMLName xml.Name       `xml:"KeePassFile"`
	Name    string         `xml:"Meta>DatabaseName"`
	Entries []keePassEntry `xml:"Root>Group>Entry"`
}

// KeePassXC imports our URIs and shows the codes that Verify expects.
func TestKeePassXC(t *testing.T) {
	cli, dir := program(t, "keepassxc-cli", "keepassxc"), t.TempDir()
	env := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "QT_QPA_PLATFORM=offscreen"}
	keys, content := samples(t), keePassFile{Name: "interop"}
	for i, key := range keys {
		uri, err := key.URI(label)
		require.NoError(t, err)
		content.Entries = append(content.Entries, keePassEntry{[]keePassString{{"Title", strconv.Itoa(i)}, {"otp", uri}}})
	}
	data, err := xml.Marshal(content)
	require.NoError(t, err)
	source, database := filepath.Join(dir, "in.xml"), filepath.Join(dir, "out.kdbx")
	require.NoError(t, os.WriteFile(source, data, 0o600))
	command{path: cli, env: env, args: []string{"import", "-q", "-p", source, database}, stdin: "password\npassword\n"}.must(t)
	for i, key := range keys {
		for _, at := range []time.Time{newYear, newYear.Add(time.Hour)} {
			show := command{path: cli, env: env, stdin: "password\n", args: []string{"show", "-q", "-t", database, strconv.Itoa(i)}}
			require.Equal(t, code(t, key, at), show.at(t, at).must(t), "%+v", key.Params())
		}
	}
}
