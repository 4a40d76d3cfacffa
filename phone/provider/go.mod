module github.com/totpflow/totpflow/phone/provider

go 1.25.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/totpflow/totpflow v0.1.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/totpflow/totpflow => ../..
