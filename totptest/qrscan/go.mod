module github.com/totpflow/totpflow/totptest/qrscan

go 1.25.0

require github.com/makiuchi-d/gozxing v0.1.1
