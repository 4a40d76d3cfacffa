package screen

import (
	"bufio"
	"strings"
)

// Ask asks a question that only "yes" or "y" answers with yes, and reports the
// answer. Nobody is asked where no person sits at both ends: the answer is no
// then, and asked is false.
func (s Streams) Ask(question string) (yes, asked bool) {
	if !s.InTerminal || !s.ErrTerminal {
		return false, false
	}
	_, _ = s.Err.Write([]byte(question + " [y/N] "))
	line, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil {
		s.Note("")
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, true
	}
	return false, true
}
