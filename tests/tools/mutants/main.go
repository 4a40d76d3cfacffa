// Command mutants breaks the code that decides about codes and accounts, in one place at
// a time, and reports which of these mutants no test notices: a condition that is always
// true or always false, a bound off by one, a statement, a part of an assignment, a field
// of a literal or an error left out, + for -, min for max.
//
// It fails if a mutant survives that is not in equivalent.txt, or if the list has one
// that no longer exists or that a test kills. Its arguments are folders, or files in
// them; without arguments, all targets are tried, one mutant after the other.
//
// All mutants of a package are compiled into one test binary, and in each run the
// environment names one. A first run of each test shows which mutants it reaches, and a
// mutant is tried only with the tests that reach it. Nothing is written in the
// repository's folders.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// flows are the folders whose tests go through whole flows.
var flows = []string{".", "internal/servicetest", "admin", "tests/rigs/walk"}

// targets are the packages in which a wrong condition lets somebody in, locks somebody
// out, or forgets what happened. Those with a database are also tried with the quick ones
// of its tests.
var targets = []target{
	{folder: "throttle"},
	{folder: "trust"},
	{folder: "recovery"},
	{folder: "enroll"},
	{folder: "totp"},
	{folder: "phone"},
	{folder: "keyring"},
	{folder: "policy"},
	{folder: "event"},
	{folder: "applock"},
	{folder: "totphttp"},
	{folder: "web"},
	{folder: "web/adminweb"},
	{folder: "web/letters"},
	{folder: "internal/burst"},
	{folder: "internal/guard"},
	{folder: "internal/shortmac"},
	{folder: "internal/strictjson"},
	{folder: "internal/typed"},
	{folder: "internal/wire"},
	{folder: "otel"},
	{folder: "phone/provider/internal/post"},
	{folder: "phone/provider/kannel"},
	{folder: "phone/provider/twilio"},
	{folder: "store"},
	{folder: "store/sqlstore", tests: []string{"tests/databases/sqlite"}, only: "^Test(Busy|Conformance|InsideTheHosts|ListUses|Migrate|NotMigrated|Schema|UnusableFiles|WriteFails)"},
	{folder: "store/redisstore", tests: []string{"tests/databases/redis"}, only: "^Test(Conformance$|LostRecords|Layout|NewerFormat|NotCreated|Quarantine|Restart|Rights|Settings|TooFew)"},
	{folder: "store/etcdstore", tests: []string{"tests/databases/etcd"}, only: "^Test(Conformance|ExtremeVersions|ForeignValues|Layout|NoSpace|Rights)"},
	{folder: "internal/account", tests: flows},
	{folder: "internal/engine", tests: flows},
	{folder: "admin", tests: flows},
	{folder: ".", tests: flows},
	{folder: "cmd/totpflow/internal/importfile"},
	{folder: "cmd/totpflow/internal/keyfile"},
	{folder: "cmd/totpflow/internal/database"},
	{folder: "cmd/totpflow/internal/command"},
}

func main() {
	survivors, err := all(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if survivors > 0 {
		fmt.Printf("%d to look at: kill it by a test, or give the reason in %s\n", survivors, listPath)
		os.Exit(1)
	}
}

// all tries the targets of these folders and files, or all of them.
func all(paths []string) (survivors int, err error) {
	root, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	list, err := readList(filepath.Join(root, listPath))
	if err != nil {
		return 0, err
	}
	known := 0
	for _, t := range targets {
		t, chosen := t.of(paths)
		if !chosen {
			continue
		}
		known++
		n, err := one(root, t, list)
		if err != nil {
			return 0, err
		}
		survivors += n
	}
	if known == 0 {
		return 0, fmt.Errorf("no target in %s", strings.Join(paths, ", "))
	}
	return survivors, nil
}

// one tries the mutants of one target, and returns how many need attention.
func one(root string, t target, list list) (survivors int, err error) {
	began := time.Now()
	temp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temp)
	r, err := prepare(root, temp, t)
	if err != nil {
		return 0, err
	}
	count := make(outcomes)
	for _, m := range r.mutants {
		end := r.try(m)
		alive := end == survived || end == notReached
		reason, listed := list[m.key()]
		if listed {
			list[m.key()] = entry{reason: reason.reason, seen: true}
		}
		switch {
		case alive && listed:
			end = equivalent
		case alive:
			survivors++
			fmt.Printf("%s:%d: %s: %s\n", m.file, m.line, end, m.key())
		case listed:
			survivors++
			fmt.Printf("%s:%d: %s, and so not equivalent: %s\n", m.file, m.line, end, m.key())
		}
		count[end]++
	}
	for _, key := range list.unseen(r) {
		survivors++
		fmt.Printf("not there, take it off %s: %s\n", listPath, key)
	}
	fmt.Printf("%s: %d mutants%s, in %s\n", t.folder, len(r.mutants), count, time.Since(began).Round(time.Second))
	return survivors, nil
}
