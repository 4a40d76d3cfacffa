// Package database opens the database in which the second factor of a product
// keeps its records, from a URL that names its kind.
//
// Another kind of database is one more row of the table in drivers.go, and the import of
// its driver there. The schema belongs to the product: the package checks it, and never
// changes it.
package database
