package sqlstore

import (
	"fmt"
	"strings"
)

// If a developer has forgotten a step, the error names it, in addition to the driver's
// own words.

// explained returns err, with the reason where the table is missing or lacks a column:
// Migrate was forgotten or, after a Migrate that has succeeded, the table is lost.
func (s *Store) explained(err error) error {
	d := s.d.d
	switch {
	case err == nil || !d.absent(err) && !d.strange(err):
		return err
	case s.migrated.Load():
		return fmt.Errorf("%w: %s is missing or has other columns, although Migrate has found it: %w", ErrTableLost, s.names.accounts(), err)
	case d.absent(err):
		return fmt.Errorf("sqlstore: the tables are missing; call Migrate first: %w", err)
	}
	return err
}

// foreign returns err, with a likely cause where a database did not understand a
// statement: each dialect asks about settings in its own way.
func (d *dialect) foreign(err error) error {
	if err == nil || refusal(err) || !misunderstood(err) {
		return err
	}
	return fmt.Errorf("sqlstore: perhaps this database is not %s, the dialect that New was given: %w", d.name, err)
}

// misunderstood recognises the errors of any of the databases: syntax_error,
// undefined_function and undefined_object of PostgreSQL, ER_PARSE_ERROR and
// ER_SP_DOES_NOT_EXIST of MySQL, and SQLite's words.
func misunderstood(err error) bool {
	switch sqlState(err) {
	case "42601", "42883", "42704":
		return true
	}
	switch mysqlError(err) {
	case 1064, 1305:
		return true
	}
	return strings.Contains(err.Error(), "syntax error") || strings.Contains(err.Error(), "no such function")
}
