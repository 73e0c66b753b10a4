#!/usr/bin/env bash
# Makes the interpreters available that plugins in Python and JavaScript are built with, as Debian packages, when they are
# missing. The rest is installed by `hangar plugin build` itself, in pinned versions.
#
#   scripts/guest-tools.sh [python] [js]     both when nothing is named; quick when all is there
set -euo pipefail

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

[ $# -gt 0 ] || set -- python js
for part; do
    case $part in
        python) python3 -c 'import venv, ensurepip' 2>/dev/null || from_apt python3 python3-venv ;;
        js) { command -v node && command -v npm; } >/dev/null || from_apt nodejs npm ;;
        *) die "unknown part '$part'; there are: python js" ;;
    esac
done
