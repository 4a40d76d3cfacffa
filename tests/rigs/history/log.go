package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/totpflow/totpflow/tests/rigs/race"
)

// An Op is an operation: the request, its times, and the answer.
type Op struct {
	ID           string        // unique
	Of           string        // the record, or the account
	Do           verb          // what was asked
	Was, New     string        `json:",omitempty"` // the versions that a write names
	Step         int64         `json:",omitempty"` // the step of the code that is verified
	Call, Return time.Duration // times by [race.Now]
	Answer       answer        `json:",omitempty"`
	Saw          string        `json:",omitempty"` // the version that a read returned
}

type verb string

const (
	get    verb = "get"
	put    verb = "put"
	remove verb = "delete"
	verify verb = "verify"
)

// An answer is the result of an operation.
type answer string

const (
	open     answer = "" // none: it has taken place, or has not, or still will
	done     answer = "done"
	absent   answer = "absent"
	conflict answer = "conflict"
	used     answer = "used"
)

// A Log is where one process writes down its operations, each before it begins and after
// it has ended: a process that is killed leaves behind those that were under way. It is
// safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	file  *os.File
	count int
	fault error
}

// Create begins a log in a folder, beside the logs of other processes.
func Create(dir string) (*Log, error) {
	f, err := os.CreateTemp(dir, "*.jsonl")
	return &Log{file: f}, err
}

// Close returns the first of all errors.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.file.Close(); l.fault == nil {
		l.fault = err
	}
	return l.fault
}

// call writes down that the operation begins.
func (l *Log) call(op Op) Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	op.ID, op.Call = fmt.Sprintf("%s-%d", filepath.Base(l.file.Name()), l.count), race.Now()
	l.write(op)
	return op
}

// end writes down the answer.
func (l *Log) end(op Op, a answer) {
	op.Answer, op.Return = a, race.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(op)
}

// write keeps nothing in the process: after a kill the line is in the file.
func (l *Log) write(op Op) {
	line, err := json.Marshal(op)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if l.fault == nil {
		l.fault = err
	}
}

// Read returns the operations of all logs in the folder.
func Read(dir string) ([]Op, error) {
	logs, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var ops []Op
	place := make(map[string]int)
	for _, name := range logs {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		b = b[:bytes.LastIndexByte(b, '\n')+1] // the kill may have cut the last line
		for line := range bytes.Lines(b) {
			var op Op
			if err := json.Unmarshal(line, &op); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if i, begun := place[op.ID]; begun {
				ops[i] = op
				continue
			}
			place[op.ID] = len(ops)
			ops = append(ops, op)
		}
	}
	return ops, nil
}
