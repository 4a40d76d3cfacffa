// Package sessions tries hosts of the pages in module web over the session libraries that
// products use.
package sessions
