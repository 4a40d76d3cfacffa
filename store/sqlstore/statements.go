package sqlstore

import (
	"strconv"
	"strings"
)

// The columns that scanHead and scan read, in this order.
const (
	headColumns = "tenant, user_id, version, state, updated, due"
	columns     = headColumns + ", sealed"
)

// statements are a dialect's under the names of one store's tables. Arguments
// come in the order of the columns, then was.
type statements struct {
	get    string // tenant, user → the row
	create string // tenant, user, version, state, updated, due, sealed
	change string // version, state, updated, due, sealed, tenant, user, was
	remove string // tenant, user, was

	lists       map[listing]string
	count       string // → each state and how many rows are in it
	countTenant string // tenant → the same

	applied string   // → the number of the newest migration
	probes  []string // change nothing, and need the right to
	indexes []index
}

// A listing is what the statement of a page selects and returns. Each has its own
// statement, so that the database takes the index that fits it.
type listing struct{ heads, all, state, due bool }

// statements returns the statements of a store. Every value is a parameter.
func (d *dialect) statements(n names) statements {
	accounts := n.accounts()
	s := statements{
		get:    `SELECT ` + columns + ` FROM ` + accounts + ` WHERE tenant = ? AND user_id = ?`,
		create: `INSERT INTO ` + accounts + ` (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?)` + d.unlessThere,
		change: `UPDATE ` + accounts + ` SET version = ?, state = ?, updated = ?, due = ?, sealed = ? WHERE tenant = ? AND user_id = ? AND version = ?`,
		remove: `DELETE FROM ` + accounts + ` WHERE tenant = ? AND user_id = ? AND version = ?`,
		lists:  make(map[listing]string),

		count:       d.counting(accounts, false),
		countTenant: d.counting(accounts, true),

		applied: `SELECT coalesce(max(number), 0) FROM ` + n.ledger(),
		indexes: d.indexes(n),
		probes: []string{
			`SELECT ` + columns + ` FROM ` + accounts + ` WHERE 1 = 0`,
			`DELETE FROM ` + accounts + ` WHERE 1 = 0`,
		},
	}
	if !d.oneWriter { // rights are those of the file there, and each takes its lock
		s.probes = append(s.probes,
			`INSERT INTO `+accounts+` (`+columns+`) SELECT `+columns+` FROM `+accounts+` WHERE 1 = 0`,
			`UPDATE `+accounts+` SET version = version, state = state, updated = updated, due = due, sealed = sealed WHERE 1 = 0`)
	}
	for _, heads := range []bool{false, true} {
		for _, l := range []listing{{}, {state: true}, {all: true}, {all: true, state: true}, {all: true, due: true}} {
			l.heads = heads
			s.lists[l] = d.numbered(d.list(accounts, l))
		}
	}
	for _, statement := range []*string{&s.get, &s.create, &s.change, &s.remove, &s.count, &s.countTenant} {
		*statement = d.numbered(*statement)
	}
	return s
}

// list writes the statement of a page. It begins at its place in an index,
// however far that is.
func (d *dialect) list(accounts string, l listing) string {
	what, where, order := columns, "", "user_id"
	if l.heads {
		what = headColumns
	}
	if l.state {
		where = "state = ? AND "
	}
	switch {
	case l.due:
		where += "due < ? AND " + d.behind("due", "tenant", "user_id")
		order = "due, tenant, user_id"
	case l.all:
		where += d.behind("tenant", "user_id")
		order = "tenant, user_id"
	default:
		// With the tenant in its order, MariaDB would sort all that follow for each page.
		where += "tenant = ? AND user_id > ?"
	}
	return `SELECT ` + what + ` FROM ` + accounts + ` WHERE ` + where + ` ORDER BY ` + order + ` LIMIT ?`
}

// behind compares columns with a place, so that an index is used.
func (d *dialect) behind(columns ...string) string {
	if !d.spelledOut {
		return "(" + strings.Join(columns, ", ") + ") > (" + strings.Repeat("?, ", len(columns)-1) + "?)"
	}
	last := len(columns) - 1
	where := columns[last] + " > ?"
	for i := last - 1; i >= 0; i-- {
		where = "(" + columns[i] + " > ? OR (" + columns[i] + " = ? AND " + where + "))"
	}
	return where
}

// behindArgs returns the arguments of behind.
func (d *dialect) behindArgs(place ...any) []any {
	if !d.spelledOut {
		return place
	}
	var args []any
	for _, value := range place[:len(place)-1] {
		args = append(args, value, value)
	}
	return append(args, place[len(place)-1])
}

// counting writes a statement that counts by state. It goes from one state to the
// next by the index, and counts within it, where a GROUP BY would read the rows
// themselves; PostgreSQL reads an index in either case, and would compile the
// first at a cost of a second.
func (d *dialect) counting(accounts string, tenant bool) string {
	if d.groups {
		where := ""
		if tenant {
			where = " WHERE tenant = ?"
		}
		return `SELECT state, count(*) FROM ` + accounts + where + ` GROUP BY state`
	}
	and := ""
	if tenant {
		and = " AND counted.tenant = ?"
	}
	return `WITH RECURSIVE states (state) AS (
SELECT min(state) FROM ` + accounts + `
UNION ALL
SELECT (SELECT min(further.state) FROM ` + accounts + ` AS further WHERE further.state > states.state) FROM states WHERE states.state IS NOT NULL
) SELECT state, (SELECT count(*) FROM ` + accounts + ` AS counted WHERE counted.state = states.state` + and + `) FROM states WHERE state IS NOT NULL`
}

// numbered replaces each ? where the database numbers its parameters.
func (d *dialect) numbered(statement string) string {
	if !d.numbers {
		return statement
	}
	var b strings.Builder
	parts := strings.Split(statement, "?")
	for i, part := range parts {
		b.WriteString(part)
		if i+1 < len(parts) {
			b.WriteString("$" + strconv.Itoa(i+1))
		}
	}
	return b.String()
}
