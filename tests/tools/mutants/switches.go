package main

// switches is the file that is added to a package beside its changed ones. A mutant is
// asked for by its number wherever it would make a difference, and is active if the
// environment names it. The first time that each is asked for is noted.
const switches = `package %s

import (
	"cmp"
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantOn_, _ = strconv.Atoi(os.Getenv(%q))
	mutantSeen_  [%d]atomic.Bool
	mutantLog_   = os.Getenv(%q)
)

func mutant_(id int) bool {
	if mutantLog_ != "" && !mutantSeen_[id].Swap(true) {
		f, err := os.OpenFile(mutantLog_, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			panic(err)
		}
		f.WriteString(strconv.Itoa(id) + "\n")
		f.Close()
	}
	return id == mutantOn_
}

func mutantError_(id int, err error) error {
	if mutant_(id) {
		return nil
	}
	return err
}

func mutantLess_[T cmp.Ordered](id int, a, b T) bool         { return a < b || mutant_(id) && a == b }
func mutantLessEqual_[T cmp.Ordered](id int, a, b T) bool    { return a < b || !mutant_(id) && a == b }
func mutantGreater_[T cmp.Ordered](id int, a, b T) bool      { return a > b || mutant_(id) && a == b }
func mutantGreaterEqual_[T cmp.Ordered](id int, a, b T) bool { return a > b || !mutant_(id) && a == b }

func mutantZero_[T any](id int, v T) T {
	if mutant_(id) {
		var zero T
		return zero
	}
	return v
}

func mutantField_[T any](id int, v T, reset func(v, zero T) T) T {
	if mutant_(id) {
		var zero T
		return reset(v, zero)
	}
	return v
}

func mutantPointer_[T any](id int, v *T, reset func(v, zero T) T) *T {
	if mutant_(id) {
		var zero T
		*v = reset(*v, zero)
	}
	return v
}

type mutantNumber_ interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

func mutantAdd_[T mutantNumber_](id int, a, b T) T {
	if mutant_(id) {
		return a - b
	}
	return a + b
}

func mutantSub_[T mutantNumber_](id int, a, b T) T {
	if mutant_(id) {
		return a + b
	}
	return a - b
}

func mutantMin_[T cmp.Ordered](id int, first T, more ...T) T {
	least, most := first, first
	for _, v := range more {
		least, most = min(least, v), max(most, v)
	}
	if mutant_(id) {
		return most
	}
	return least
}

func mutantMax_[T cmp.Ordered](id int, first T, more ...T) T {
	least, most := first, first
	for _, v := range more {
		least, most = min(least, v), max(most, v)
	}
	if mutant_(id) {
		return least
	}
	return most
}
`
