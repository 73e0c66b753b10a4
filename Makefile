# The commands of this repository. What they need beyond Rust and Debian's basics, they install: see scripts/.

# Packages that exist for WebAssembly only; wasm-cargo builds and lints them, the host's cargo leaves them out.
guests = tour-rust hostile hostile-missing-export hostile-wrong-major
host = --workspace $(guests:%=--exclude %)

# Packages that are tested natively and are built for WebAssembly as well: the SDK, and the plugins that we ship.
both = hangar-plugin-sdk echo echo-handler guard linux

# How long `make soak` goes on.
SOAK_MINUTES ?= 10
export SOAK_MINUTES

.PHONY: help run tour test soak bench lint audit fmt plugins shipped

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

run: shipped ## start the server with our plugins and a device on this machine
	@scripts/run.sh

tour: plugins ## play one session in three languages and print what happens, step by step
	@for each in rust python js; do \
		cargo run --quiet -p hangar -- plugin run examples/tour/$$each --script examples/tour/script.jsonl || exit; echo; \
	done

test: plugins ## everything that must hold on each landing
	cargo test $(host) --no-fail-fast

soak: plugins ## strain runtime and server for SOAK_MINUTES (10) each and print figures; SOAK=server for one part
	cargo run --release -p hangar-tests --bin soak -- $(SOAK)

bench: plugins ## measure; BENCH="pause placed" and BENCH_SERVER="idle" for single parts of runtime and server
	cargo bench -p hangar-runtime -- $(BENCH)
	cargo bench -p hangar-aip
	cargo run --release -p hangar-bench --bin load -- $(BENCH_SERVER)

lint: ## formatting, clippy for host and guests, licences and origins of dependencies
	scripts/lint-tools.sh
	scripts/wasm-toolchain.sh
	cargo fmt --all --check
	cargo clippy $(host) --all-targets -- -D warnings
	wasm-cargo clippy $(guests:%=-p %) --all-targets --profile plugin -- -D warnings
	wasm-cargo clippy $(both:%=-p %) --profile plugin -- -D warnings
	cargo deny check bans licenses sources

audit: ## known vulnerabilities in dependencies (downloads the advisory database)
	scripts/lint-tools.sh
	cargo deny check advisories

fmt: ## format the code
	cargo fmt --all

shipped: ## build the plugins that ship with the server, to target/dist/plugins
	@scripts/plugins.sh shipped

plugins: ## build all plugins: to target/plugins, those that ship to target/dist/plugins
	@scripts/plugins.sh
