package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A test that hangs, or a TestMain that does, is named and ended, with the stacks of what
// it waits for. Tests that run beside it are not disturbed.
func TestHangingTestsAreEnded(t *testing.T) {
	program := filepath.Join(t.TempDir(), "watch")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))

	cmd := exec.Command(program, "-each", "1s", "--", "-count", "1", "./testdata/hangs", "./testdata/stuckmain", "./testdata/passes")
	out, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, string(out))
	require.Equal(t, 1, exit.ExitCode(), string(out))
	for _, want := range []string{
		"watch: TestHangs/in_a_subtest has been running for more than 1s",
		"hangs.waitsForNobody()", "hangs_test.go:",
		"watch: TestMain, or what is outside of every test, has been running for more than 1s",
		"stuckmain.TestMain(",
		"ok  \tgithub.com/totpflow/totpflow/tests/tools/watch/testdata/passes",
	} {
		require.Contains(t, string(out), want)
	}
	require.NotContains(t, string(out), "TestPasses")
}
