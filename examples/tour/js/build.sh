#!/usr/bin/env bash
# Builds the tour in JavaScript, and installs what that takes when it is missing or the lock file has changed.
#
#   build.sh OUT.wasm
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 OUT.wasm" >&2; exit 2; }
out=$(realpath -m "$1")
mkdir -p "$(dirname "$out")"
cd "$(dirname "${BASH_SOURCE[0]}")"
../../../scripts/guest-tools.sh js

# For three platforms the registry has no binding of componentize-qjs 0.4.5. package.json overrides those with an older
# one, because `npm ci` wants the lock file whole; this makes a build there fail instead of mixing versions.
NAPI_RS_ENFORCE_VERSION_CHECK=1 node build.mjs "$out"
