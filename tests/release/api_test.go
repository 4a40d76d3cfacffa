package release_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// scripts/api tells a product's developers what an update means for their code, and fails
// on changes that a version may not contain.
func TestAPI(t *testing.T) {
	const folder = "phone/provider"
	r := newRepository(t)
	compare := func() (string, error) {
		out, err := command(r.dir, r.path("scripts/api"), folder).CombinedOutput()
		return string(out), err
	}
	one, two := "package provider\n\n// One is a constant.\nconst One = 1\n", "package provider\n\n// Two is a constant.\nconst Two = 2\n"

	out, err := compare()
	require.NoError(t, err, out)
	require.Contains(t, out, "no tag to compare with")

	for _, c := range []struct {
		tag, was, is string
		says         string
		fails        bool
	}{
		{"v0.1.0", "", one, "One: added", false},
		{"v0.2.0", one, two, "One: removed", false},
		{"v1.0.0", one, one + "\nconst two = 2\n", "", false},
		{"v1.1.0", one, one + "\n// Two is a constant.\nconst Two = 2\n", "Two: added", false},
		{"v1.2.0", one, two, "incompatible changes need a new major version", true},
		{"v1.3.0", one, "package provider\n\nvar x int = \"\"\n", "cannot use", true},
	} {
		t.Run(c.tag, func(t *testing.T) {
			if c.was == "" {
				c.was = "package provider\n"
			}
			r.write(t, folder+"/sample.go", c.was)
			r.git(t, "add", "--all")
			r.git(t, "commit", "--quiet", "--allow-empty", "--message", c.tag)
			r.git(t, "tag", c.tag)
			r.write(t, folder+"/sample.go", c.is)
			out, err := compare()
			require.Equal(t, c.fails, err != nil, out)
			require.Contains(t, out, c.says)
			require.NotContains(t, out, "internal")
		})
	}
}
