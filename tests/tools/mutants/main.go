// Command mutants breaks the code that decides about codes and accounts, in one
// place at a time, and reports which of these mutants no test notices: a
// condition taken for true or for false, a bound off by one, a statement, a part of
// an assignment, a field of a literal or an error left out, + for -, min for max.
//
// It fails when a mutant survives that is not in equivalent.txt, and when the
// list has one that is not there any more or that a test kills. Its arguments
// are folders and files of them; without one, all targets are tried, one mutant after the
// other.
//
// All mutants of a package are compiled into one test binary, of which each run
// has the environment name one. A first run of each test says by which mutants
// it comes, and a mutant is shown to these tests only. Nothing is written in the
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

// targets are the packages in which a wrong condition lets somebody in, locks
// somebody out, or forgets what happened. Those with a database are looked at by
// the quick ones of its tests, too.
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

// one tries the mutants of one target, and returns how many want looking at.
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
