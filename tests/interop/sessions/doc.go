// Package sessions tests hosts of the pages in module web with the session libraries that
// products use.
package sessions
