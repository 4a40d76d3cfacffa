package screen

import (
	"bufio"
	"context"
	"strings"
)

// Ask asks a question that only "yes" or "y" answers with yes, and reports the
// answer. The end of ctx counts as "no". If input or output is not a terminal, nobody is
// asked: the answer is "no", and asked is false.
func (s Streams) Ask(ctx context.Context, question string) (yes, asked bool) {
	if !s.InTerminal || !s.ErrTerminal {
		return false, false
	}
	_, _ = s.Err.Write([]byte(question + " [y/N] "))
	line, err := Await(ctx, func() (string, error) { return bufio.NewReader(s.In).ReadString('\n') })
	if err != nil {
		s.Note("")
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, true
	}
	return false, true
}
