package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// listPath has the mutants that make no difference, each with its reason below it. They
// are named by file, function and source text.
const listPath = "tests/tools/mutants/equivalent.txt"

// equivalent is the outcome of mutants in the list.
const equivalent outcome = "equivalent"

type list map[string]entry

type entry struct {
	reason string
	seen   bool
}

// readList reads the list. A line at the left edge names a mutant, and indented lines
// give the reason.
func readList(path string) (list, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, key := make(list), ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		switch text := strings.TrimSpace(line); {
		case text == "" || strings.HasPrefix(text, "#"):
		case line != strings.TrimLeft(line, " \t"):
			if key == "" {
				return nil, fmt.Errorf("%s: a reason of nothing: %s", path, text)
			}
			all[key] = entry{reason: strings.TrimSpace(all[key].reason + " " + text)}
		default:
			key = text
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("%s: twice: %s", path, key)
			}
			all[key] = entry{}
		}
	}
	for key, e := range all {
		if e.reason == "" {
			return nil, fmt.Errorf("%s: without a reason: %s", path, key)
		}
	}
	return all, lines.Err()
}

// unseen returns the entries for a target's files that match none of its mutants.
func (l list) unseen(r *run) []string {
	var keys []string
	for key, e := range l {
		file, _, _ := strings.Cut(key, " ")
		if !e.seen && r.has(file) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
