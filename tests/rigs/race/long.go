package race

import "os"

// Rounds is how often a rig repeats: short in the test command, and long in the
// long form of the rigs (`make rigs`, which sets TOTPFLOW_RIGS=long).
func Rounds(short, long int) int {
	if os.Getenv("TOTPFLOW_RIGS") == "long" {
		return long
	}
	return short
}
