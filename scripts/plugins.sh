#!/usr/bin/env bash
# Builds every plugin of the repository to target/plugins, where the server, the tests and the benches look for them.
# A file there is replaced only when its content has changed, and in one move: whoever watches the folder never sees
# half a plugin, and never reloads for nothing.
#
#   scripts/plugins.sh [rust] [python] [js]     all when nothing is named
set -euo pipefail
cd "$(dirname "$0")/.."

# Packages of the workspace that are one plugin each: target/plugins/<package>.wasm
crates=(tour-rust hostile-missing-export hostile-wrong-major)

# Packages whose cargo examples are one plugin each: target/plugins/<package>/<example>.wasm
collections=(hostile)

# Folders with a build.sh that writes one plugin to the file it is given: target/plugins/<folder, last two names>.wasm
python=(examples/tour/python)
js=(examples/tour/js)

plugins=target/plugins

main() {
    local part crate folder
    [ $# -gt 0 ] || set -- rust python js
    for part; do
        case $part in
            rust)
                scripts/wasm-toolchain.sh
                for crate in "${crates[@]}"; do from_crate "$crate"; done
                for crate in "${collections[@]}"; do from_examples "$crate"; done ;;
            python)
                scripts/guest-tools.sh python
                for folder in "${python[@]}"; do from_folder "$folder"; done ;;
            js)
                scripts/guest-tools.sh js
                for folder in "${js[@]}"; do from_folder "$folder"; done ;;
            *) printf "plugins: unknown part '%s'; there are: rust python js\n" "$part" >&2; exit 1 ;;
        esac
    done
}

from_crate() {
    local file
    file=$(cargo_builds --package "$1" --lib)
    publish "$file" "$1.wasm"
}

from_examples() {
    local files file name known=""
    files=$(cargo_builds --package "$1" --examples)
    while IFS= read -r file; do
        name=$(basename "$file")
        publish "$file" "$1/${name//_/-}"
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
from_folder() {
    local folder=$1 name built newer
    name=$(basename "$(dirname "$folder")")-$(basename "$folder")
    built=target/guests/$name.wasm
    if [ -f "$built" ]; then
        newer=$(find "$folder" wit/v1 scripts/guest-tools.sh \
            \( -name node_modules -o -name __pycache__ \) -prune -o -type f -newer "$built" -print -quit)
    fi
    if [ ! -f "$built" ] || [ -n "$newer" ]; then
        mkdir -p target/guests
        PATH=$PWD/target/guest-tools/python/bin:$PATH "$folder/build.sh" "$PWD/$built.new"
        mv "$built.new" "$built"
        touch "$built"
    fi
    publish "$built" "$name.wasm"
}

# publish FILE NAME: puts the component in its place and says how large it is.
publish() {
    local file=$1 place=$plugins/$2
    mkdir -p "$(dirname "$place")"
    if ! cmp -s "$file" "$place"; then
        cp "$file" "$place.new"
        mv "$place.new" "$place"
    fi
    printf '%8d KiB  %s\n' $((($(stat -c %s "$place") + 1023) / 1024)) "$place"
}

main "$@"
