// Package routers mounts the pages of module web in the routers that products use.
package routers
