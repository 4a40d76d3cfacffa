package sqlstore

import (
	"fmt"
	"strings"
)

// A step that a developer has forgotten is named beside the driver's words, which stay.

// unmigrated returns err, with what to do where the table is missing.
func (d *dialect) unmigrated(err error) error {
	if err == nil || !d.absent(err) {
		return err
	}
	return fmt.Errorf("sqlstore: the tables are missing, call Migrate first: %w", err)
}

// foreign returns err, with what it may be where a database did not understand
// what it was asked: the questions about settings are each dialect's own.
func (d *dialect) foreign(err error) error {
	if err == nil || refusal(err) || !misunderstood(err) {
		return err
	}
	return fmt.Errorf("sqlstore: perhaps this database is not %s, which New was told: %w", d.name, err)
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
