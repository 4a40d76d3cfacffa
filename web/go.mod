module github.com/totpflow/totpflow/web

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/totpflow/totpflow v0.1.0
	golang.org/x/net v0.58.0
	golang.org/x/text v0.43.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	rsc.io/qr v0.2.0 // indirect
)

replace github.com/totpflow/totpflow => ../
