package store

import (
	"context"
	"errors"
	"fmt"
)

// Errors of a store. Adapters return ErrNotFound and ErrConflict (wrapped or
// not) and otherwise their driver's own errors; [Update] and other callers of a store
// wrap those in ErrUnavailable.
var (
	// ErrNotFound means that this id has no record. The caller reads it as "never enrolled", so it
	// must not be used for anything else: not a timeout, not a missing table, not an
	// invalid id.
	ErrNotFound = errors.New("store: record not found")

	// ErrConflict means that the stored version is not the one that the caller named, and
	// nothing was written.
	ErrConflict = errors.New("store: record changed")

	// ErrNotWritten means that a Put or Delete failed, and it is certain that nothing was
	// written or will be. An adapter wraps it around its database's error only if that
	// leaves no doubt; [Update] then returns it in ErrUnavailable, and a caller may
	// report that nothing has changed, instead of an unknown outcome. Return
	// ErrConflict without ErrNotWritten; otherwise Update does not try again.
	ErrNotWritten = errors.New("store: nothing was written")

	// ErrUnavailable means that the store could not answer, or nobody knows whether it
	// wrote. Nobody is let in.
	ErrUnavailable = errors.New("store: unavailable")
)

// A Store keeps records. Its methods are safe for concurrent use by any number
// of goroutines and processes.
//
// Every implementation guarantees the following; store/storetest checks the parts that
// can be checked from outside.
//
//   - Linearizable per record: each operation takes effect at one moment
//     between call and return. In particular a Get that starts after a Put has
//     returned sees that Put or a later one, from whichever process. So reads
//     go to the primary, in the database's own present: no replica, no cache,
//     no snapshot that was opened earlier. A store that reads from a lagging
//     replica accepts a used code once more.
//   - Comparing and writing is one step, such as one UPDATE … WHERE version = ?
//     with one row affected. Reading first and writing afterwards, even inside
//     a transaction at READ COMMITTED, accepts one code twice.
//   - Acknowledged means durable: when Put or Delete returns nil, the change
//     survives the crash of the process, of the database and of the machine.
//     A change that is not yet acknowledged may show in a Get and be gone after a crash.
//   - An error other than ErrConflict and ErrNotWritten from Put or Delete leaves
//     the outcome open: the change has taken place, or has not, or still will. Adapters
//     return the driver's error as it is and never repeat a write themselves,
//     unless the database says that it has rolled the write back.
//   - Nothing is shared: an implementation copies Sealed on the way in and on
//     the way out.
//   - A context that is done before the call: nothing is written, and the error wraps
//     the context's. One that ends during the call: the method returns promptly; a write
//     leaves its outcome open as above, and a read returns an error or its whole answer.
//   - Ids are compared byte by byte, without case folding, normalisation,
//     trimming of spaces, or conversion of what looks like a number.
//   - Values that [AccountID.Validate], [Record.Validate] and [Query.Start] refuse are refused
//     with their error, before the database is asked.
type Store interface {
	// Get returns the record of id, or ErrNotFound.
	Get(ctx context.Context, id AccountID) (Record, error)

	// Put writes rec if the version stored under rec.ID is still was, where
	// the zero version means that there is no record; otherwise it writes nothing
	// and returns ErrConflict. rec.Version equal to was is refused with
	// ErrRecord, because the next writer could not see the change.
	Put(ctx context.Context, rec Record, was Version) error

	// Delete removes the record of id if its version is still was, otherwise it returns
	// ErrConflict. A missing record is ErrConflict too, even when was is zero: this call
	// could not have deleted anything.
	Delete(ctx context.Context, id AccountID, was Version) error

	// List returns the records that q selects in the order of their [Place], a page at a
	// time: ordered by id, or with DueBefore by due time and then id. A record that
	// exists unchanged while the pages are read is returned exactly once, whatever else
	// is written meanwhile; a record that is written meanwhile appears as it was at some
	// moment of the reading, at most once, and in a list by due time at most once for
	// each due time. A page is not a snapshot.
	//
	// A stored record that the implementation cannot read is an error of Get, and hides
	// no other record of a list. A list by id holds it with its id, the zero version and
	// nothing else. A list by state or by due time leaves it out, since nothing tells
	// its state or due time, and goes on behind the place of its entry. The exception is
	// an entry whose id [AccountID.Validate] refuses: it may be that of a damaged record,
	// which no list can hold and Get reports as missing, so an implementation may fail each
	// page that comes to it.
	List(ctx context.Context, q Query) (Page, error)
}

// CheckPut returns the error with which [Store.Put] refuses its arguments without asking
// the database; every implementation begins with it.
func CheckPut(rec Record, was Version) error {
	if err := rec.Validate(); err != nil {
		return err
	}
	if rec.Version == was {
		return fmt.Errorf("%w: the new version is the old one", ErrRecord)
	}
	return nil
}
