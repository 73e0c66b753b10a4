#!/bin/sh
# Builds the tour as a component: build.sh OUT.wasm
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
componentize=$root/target/guest-tools/python/bin/componentize-py
[ -x "$componentize" ] || componentize=componentize-py

# From a copy: compiled modules would be left beside the sources.
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
cp "$here"/*.py "$sources"
"$componentize" --wit-path "$root/wit/v1" --world behaviour componentize runs --python-path "$sources" --output "$1"
