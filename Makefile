# Every command of this repository. Its modules are listed in go.work.

.PHONY: help quick test lint bench run fuzz fuzz-nightly mutants rigs docs screenshots

help:
	@sed -n 's/^## //p' Makefile

## make quick        the tests of the root module, in under a minute
quick:
	go test -short -timeout 2m ./...

## make test         every test of every module, after installing what they need
test:
	@scripts/test

## make lint         format, vet, platforms, go.mod files, generated documentation, workflows, linter
lint:
	@scripts/check

## make bench        measures everything against peers and floors, and writes docs/performance.md: 15 minutes
bench:
	go run ./benchmarks

## make run          the web console of the examples, on a loopback port
run:
	go run ./examples/console

## make fuzz         each fuzz target for ten seconds, or for FUZZTIME
fuzz:
	@scripts/fuzz

## make fuzz-nightly each target for five minutes, with the inputs that earlier nights have found
fuzz-nightly:
	@FUZZTIME=$${FUZZTIME:-5m} FUZZCORPUS=$${FUZZCORPUS:-.fuzzcorpus} scripts/fuzz

## make mutants      breaks the code in one place at a time, and reports what no test notices
mutants:
	@scripts/mutants

## make rigs         the long form of the rigs on real database servers
rigs:
	@scripts/rigs

## make docs         writes what is generated: the Go snippets of the Markdown files, the picture of the packages
docs:
	go test ./tests/docs -run '^(TestSnippets|TestArchitecture)$$' -count 1 -update

## make screenshots  takes the pictures of the Markdown files again
screenshots:
	@scripts/screenshots
