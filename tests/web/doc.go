// Package web tries what the pages of the module web need of a product: hosts over the
// session libraries that products use.
package web
