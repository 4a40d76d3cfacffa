package race

import "os"

// Rounds returns how often a rig repeats: few times in the test command, and many in the
// long form of the rigs (`make rigs`, which sets TOTPFLOW_RIGS=long).
func Rounds(short, long int) int {
	if os.Getenv("TOTPFLOW_RIGS") == "long" {
		return long
	}
	return short
}
