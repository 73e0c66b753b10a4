#!/usr/bin/env bash
# Makes the tools for plugins in Python and JavaScript available, in the project's own folders and in pinned versions:
# componentize-py in target/guest-tools/python, the npm packages in examples/tour/js/node_modules. Only the interpreters
# themselves are installed in the system, and only when they are missing.
#
#   scripts/guest-tools.sh [python] [js]     both when nothing is named; quick when all is there
set -euo pipefail
cd "$(dirname "$0")/.."

componentize_py=0.25.1
venv=target/guest-tools/python
js=examples/tour/js

say() { printf 'guest-tools: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Installs Debian packages; elsewhere the reader knows better how to.
from_apt() {
    local sudo=""
    command -v apt-get >/dev/null || die "please install what Debian calls: $*"
    say "installing $* with apt"
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get -q update >&2
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install "$@" >&2
}

python_tools() {
    local stamp
    command -v python3 >/dev/null || from_apt python3 python3-venv
    stamp="componentize-py $componentize_py, $(python3 -V)"
    [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] && [ -x "$venv/bin/python" ] && return

    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        say "python3 has no venv: on Debian it is a package of its own"
        from_apt python3-venv
    fi
    say "installing componentize-py $componentize_py in $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input "componentize-py==$componentize_py"
    echo "$stamp" >"$venv/stamp"
}

js_tools() {
    local stamp
    command -v npm >/dev/null || from_apt nodejs npm
    stamp="$(sha256sum <"$js/package-lock.json") node $(node -v)"
    [ "$(cat "$js/node_modules/.stamp" 2>/dev/null)" = "$stamp" ] && return

    # No package's own scripts: none of these needs them here.
    say "installing the packages of $js/package-lock.json"
    npm ci --prefix "$js" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    echo "$stamp" >"$js/node_modules/.stamp"
}

[ $# -gt 0 ] || set -- python js
for part; do
    case $part in
        python) python_tools ;;
        js) js_tools ;;
        *) die "unknown part '$part'; there are: python js" ;;
    esac
done
