// Package openapi holds the JSON API of module web to its OpenAPI description, both ways,
// by a validator that other people wrote.
package openapi
