#!/usr/bin/env bash
# Builds every plugin of the repository: those of tests and examples to target/plugins, those that ship with the server
# to target/dist/plugins, each a folder that can be put on a server as it is. A file is replaced only when its content
# has changed, and in one move: whoever watches the folder never sees half a plugin, and never reloads for nothing.
#
#   scripts/plugins.sh [rust] [python] [js]     all when nothing is named
#   scripts/plugins.sh shipped                  only those that ship with the server
set -euo pipefail
cd "$(dirname "$0")/.."

# Packages of the workspace that are one plugin each: target/plugins/<package>.wasm
crates=(tour-rust hostile-missing-export hostile-wrong-major)

# Packages whose cargo examples are one plugin each: target/plugins/<package>/<example>.wasm
collections=(hostile)

# Folders of packages that ship with the server, with a plugin.toml each: target/dist/plugins/<id>/{plugin.toml,<id>.wasm}
shipped=(plugins/echo/behaviour plugins/echo/handler plugins/guard plugins/linux)

# Projects that `hangar plugin build` makes one plugin of each: target/plugins/<folder, last two names>.wasm
# shellcheck disable=SC2034 # main finds them by the name of the part
python=(examples/tour/python)
# shellcheck disable=SC2034
js=(examples/tour/js)

plugins=target/plugins
dist=target/dist/plugins

main() {
    local part crate folder
    export HANGAR_TOOLS=$PWD/target/guest-tools
    [ $# -gt 0 ] || set -- rust python js
    for part; do
        case $part in
            rust)
                scripts/wasm-toolchain.sh
                for crate in "${crates[@]}"; do from_crate "$crate"; done
                for crate in "${collections[@]}"; do from_examples "$crate"; done
                for folder in "${shipped[@]}"; do from_shipped "$folder"; done ;;
            shipped)
                scripts/wasm-toolchain.sh
                for folder in "${shipped[@]}"; do from_shipped "$folder"; done
                continue ;;
            python | js)
                scripts/guest-tools.sh "$part"
                local -n folders=$part
                for folder in "${folders[@]}"; do from_project "$folder" "plugin-sdk/$part"; done ;;
            *) printf "plugins: unknown part '%s'; there are: rust python js shipped\n" "$part" >&2; exit 1 ;;
        esac
        # A built project has its component beside its manifest; so have the tours.
        replace "$plugins/tour-$part.wasm" "examples/tour/$part/tour-$part.wasm"
    done
}

from_crate() {
    local file
    file=$(cargo_builds --package "$1" --lib)
    publish "$file" "$plugins/$1.wasm"
}

from_shipped() {
    local id file
    id=$(sed -n 's/^id *= *"\(.*\)".*/\1/p; /^\[/q' "$1/plugin.toml")
    file=$(cargo_builds --manifest-path "$1/Cargo.toml" --lib)
    replace "$1/plugin.toml" "$dist/$id/plugin.toml"
    publish "$file" "$dist/$id/$id.wasm"
}

from_examples() {
    local files file name known=""
    files=$(cargo_builds --package "$1" --examples)
    while IFS= read -r file; do
        name=$(basename "$file")
        publish "$file" "$plugins/$1/${name//_/-}"
        known+=" ${name//_/-} "
    done <<<"$files"

    # An example that was renamed or removed must not live on as a plugin.
    for file in "$plugins/$1"/*.wasm; do
        [[ $known == *" $(basename "$file") "* ]] || rm "$file"
    done
}

# Builds, and prints the path of each component that cargo made or found fresh.
cargo_builds() {
    wasm-cargo build --quiet --profile plugin --message-format json-render-diagnostics "$@" \
        | grep -o '"[^"]*\.wasm"' | tr -d '"' | sort -u
}

# Python and JavaScript have no cargo to know what is fresh: a build is skipped when nothing it reads is newer than its
# result, which is kept in target/guests for that comparison.
from_project() {
    local folder=$1 sdk=$2 name built newer
    name=$(basename "$(dirname "$folder")")-$(basename "$folder")
    built=target/guests/$name.wasm
    if [ -f "$built" ]; then
        newer=$(find "$folder" "$sdk" wit/v1 \
            \( -name node_modules -o -name __pycache__ -o -name '*.wasm' \) -prune -o -type f -newer "$built" -print -quit)
    fi
    if [ ! -f "$built" ] || [ -n "$newer" ]; then
        mkdir -p target/guests
        cargo run --quiet -p hangar -- plugin build "$folder" --out "$built" >/dev/null
    fi
    publish "$built" "$plugins/$name.wasm"
}

# publish FILE PLACE: puts the file in its place and says how large it is.
publish() {
    replace "$1" "$2"
    printf '%8d KiB  %s\n' $((($(stat -c %s "$2") + 1023) / 1024)) "$2"
}

replace() {
    local file=$1 place=$2
    mkdir -p "$(dirname "$place")"
    if ! cmp -s "$file" "$place"; then
        cp "$file" "$place.new"
        mv "$place.new" "$place"
    fi
}

main "$@"
