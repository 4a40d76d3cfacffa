// Command watch runs "go test" and keeps a hanging test from holding up the run: it names
// a test that runs for longer than a limit and prints the stacks of all goroutines of its
// process, and the package fails. The other packages go on.
//
//	watch [-each 10m] [-slowest 0] -- FLAGS AND PACKAGES OF GO TEST
//
// The limit applies to one test, without its subtests, each of which has the same limit,
// and without the time that it waits for its turn (t.Parallel). A package whose TestMain
// hangs is found as well. The program shows only failures, as "go test" does, and every
// minute what is still running.
//
// It puts itself between the go command and each test binary (go test -exec), so
// that it needs no change in any test.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// between is the first argument of the program when it runs one test binary.
const between = "-between"

func main() {
	if len(os.Args) > 3 && os.Args[1] == between {
		each, err := time.ParseDuration(os.Args[2])
		if err == nil {
			err = runBinary(each, os.Args[3:])
		}
		exit(err)
	}
	each := flag.Duration("each", 10*time.Minute, "how long one test may run")
	slowest := flag.Int("slowest", 0, "how many of the slowest tests are listed at the end")
	flag.Parse()
	exit(runGo(*each, *slowest, flag.Args()))
}

// exit ends the program as the program that it ran has ended.
func exit(err error) {
	var ended *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		os.Exit(ended.ExitCode())
	default:
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}

// runGo runs "go test" with the arguments and shows what it reports.
func runGo(each time.Duration, slowest int, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program := fmt.Sprintf("-exec='%s' %s %s", self, between, each)
	cmd := exec.Command("go", append([]string{"test", "-json", program}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := newReport(os.Stdout)
	shown := r.follow(out, time.NewTicker(time.Minute).C)
	err = cmd.Wait()
	r.slowest(slowest)
	return errors.Join(err, shown)
}
