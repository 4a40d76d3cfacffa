package command_test

import "testing"

// One secret in two files, for two accounts, is refused as it is in one file.
func TestImportSharedWithAnEarlierFile(t *testing.T) {
	h := newInstallation(t)
	const first = "tenant,user,secret\nacme,ana,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n"
	h.in = first
	h.ok("import", "-", reason, "--yes")
	for _, yes := range []string{"--yes=false", "--yes"} { // the preview says the same
		h.in = "tenant,user,secret\nglobex,ben,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nglobex,tom,ORXXI4DGNRXXOLLFPBQW24DMMUWTAMBR\n"
		h.fails(4, "1 of 2 were refused", "import", "-", reason, yes)
	}
	h.in = first
	h.ok("import", "-", reason, "--yes")
}
