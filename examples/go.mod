module github.com/totpflow/totpflow/examples

go 1.26.0

require github.com/totpflow/totpflow v0.1.0

replace github.com/totpflow/totpflow => ../
