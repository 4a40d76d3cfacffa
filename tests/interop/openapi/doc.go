// Package openapi checks the JSON API of module web against its OpenAPI description, both
// ways, with a validator that other people wrote.
package openapi
