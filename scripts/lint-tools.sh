#!/usr/bin/env bash
# Installs what `make lint` needs and the machine lacks: rustfmt and clippy from rustup, and cargo-deny, which checks
# the licences and origins of dependencies. cargo-deny is pinned, so that every machine comes to the same verdict, and
# compiled in a folder of its own (minutes, once), so that nothing of ours is rebuilt for it.
set -euo pipefail
cd "$(dirname "$0")/.."

deny=0.20.2

cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

if [ "$(cargo deny --version 2>/dev/null)" != "cargo-deny $deny" ]; then
    printf 'lint-tools: installing cargo-deny %s (takes minutes, once)\n' "$deny" >&2
    CARGO_TARGET_DIR=target/lint-tools cargo install cargo-deny --locked --force --version "$deny"
fi
