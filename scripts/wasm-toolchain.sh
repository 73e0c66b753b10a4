#!/usr/bin/env bash
# Lets this machine build plugins written in Rust: installs the target wasm32-wasip2 and the command `wasm-cargo`, which
# is cargo for that target and hides how the target came here.
#
#   scripts/wasm-toolchain.sh                          installs what is missing; quick when nothing is
#   wasm-cargo build --profile plugin -p tour-rust     what it is for
#
# There are two ways, tried in this order:
#
#   rustup   has the target, or downloads it.
#   apt      for machines where rustup cannot download. Debian has a recent rustc, its clippy and the source of std, but
#            no std for this target: that is compiled here once (about a minute), and everything is linked together as
#            the rustup toolchain "wasm-plugin". Debian's wasi-libc is old: clocks, files, random numbers, environment,
#            stdio and panic messages work, sockets and threads do not link.
#
# WASM_TOOLCHAIN=rustup or WASM_TOOLCHAIN=apt insists on one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Meant for whatever called this script, not for the std compiled here.
unset RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_TARGET_DIR

target=wasm32-wasip2
toolchain=wasm-plugin
home=${XDG_DATA_HOME:-$HOME/.local/share}/$toolchain-toolchain
wrapper=${CARGO_HOME:-$HOME/.cargo}/bin/wasm-cargo
packages=(rustc-web rust-web-src rust-web-clippy wasi-libc)

say() { printf 'wasm-toolchain: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

main() {
    command -v rustup >/dev/null || die "rustup is needed: see https://rustup.rs"
    case ${WASM_TOOLCHAIN:-} in
        rustup) rustup_has_it || rustup_adds_it || die "rustup cannot download $target"; install_wrapper "" ;;
        apt) apt_has_it || apt_makes_it; install_wrapper "+$toolchain" ;;
        "")
            if rustup_has_it; then install_wrapper ""
            elif apt_has_it; then install_wrapper "+$toolchain"
            elif rustup_adds_it; then install_wrapper ""
            else
                say "rustup cannot download $target; taking it from apt"
                apt_makes_it
                install_wrapper "+$toolchain"
            fi ;;
        *) die "WASM_TOOLCHAIN is '$WASM_TOOLCHAIN'; it can be rustup or apt" ;;
    esac
}

rustup_has_it() {
    rustup target list --installed | grep -x "$target" >/dev/null
}

rustup_adds_it() {
    say "adding $target with rustup"
    RUSTUP_MAX_RETRIES=1 timeout 300 rustup target add "$target"
}

# The linkers (wasm-component-ld, wasm-ld) come with rustup's own toolchain, and Debian's rustc borrows them.
linkers() {
    realpath "$(rustc --print sysroot)/lib/rustlib/$(/usr/bin/rustc -vV | sed -n 's/^host: //p')/bin"
}

# What the linked toolchain is made of; when this changes it is made anew.
ingredients() {
    echo "layout 2"
    /usr/bin/rustc -V
    rustup which cargo
    linkers
}

apt_has_it() {
    [ -f "$home/ingredients" ] && dpkg -s "${packages[@]}" >/dev/null 2>&1 \
        && [ "$(cat "$home/ingredients")" = "$(ingredients)" ] && rustup toolchain list | grep "^$toolchain" >/dev/null
}

apt_makes_it() {
    local sudo=""
    command -v apt-get >/dev/null || die "there is no apt-get either: add $target to rustup by hand"
    if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
        say "installing ${packages[*]} with apt"
        [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get -q update >&2
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install "${packages[@]}" >&2
    fi
    [ -x "$(linkers)/wasm-component-ld" ] || die "$(linkers) lacks wasm-component-ld: update rustup's Rust"

    rm -rf "$home"
    compile_std "$home/lib/rustlib/$target/lib"
    assemble
    ingredients >"$home/ingredients"
    rustup toolchain link "$toolchain" "$home"
}

# Building an empty crate with -Zbuild-std leaves std's rlibs behind. They keep their bitcode, for plugins with LTO.
compile_std() {
    local lib=$1 crate
    say "compiling std for $target (about a minute, once)"
    crate=$(mktemp -d)
    mkdir -p "$crate/src" "$lib/self-contained"
    touch "$crate/src/lib.rs"
    cat >"$crate/Cargo.toml" <<'END'
[package]
name = "empty"
edition = "2021"

[profile.release]
codegen-units = 1
END
    (
        cd "$crate"
        export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS=-Cembed-bitcode=yes
        cargo build --quiet --release -Zbuild-std=std,panic_abort,test --target "$target"
        rm "target/$target"/release/deps/libempty-*
        cp "target/$target"/release/deps/*.rlib "$lib"
    )
    cp /usr/lib/wasm32-wasi/{crt1*.o,libc.a,libwasi-emulated-*.a} "$lib/self-contained"
    rm -rf "$crate"
}

# The layout that rustup expects of a toolchain. The host's std, the linkers and cargo are linked from where they are;
# the compiler, and clippy's share of it, are told that their sysroot is here.
assemble() {
    local host
    host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
    mkdir -p "$home/bin" "$home/lib/rustlib/$host"
    ln -s "/usr/lib/rustlib/$host/lib" "$home/lib/rustlib/$host/lib"
    ln -s "$(linkers)" "$home/lib/rustlib/$host/bin"
    ln -s "$(rustup which cargo)" "$home/bin/cargo"
    cp /usr/bin/cargo-clippy "$home/bin/cargo-clippy" # a copy, because it looks for clippy-driver beside itself
    printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "%s" "$@"\n' "$home" >"$home/bin/rustc"
    printf '#!/bin/sh\nSYSROOT="%s" exec /usr/bin/clippy-driver "$@"\n' "$home" >"$home/bin/clippy-driver"
    chmod +x "$home/bin/rustc" "$home/bin/clippy-driver"
}

# Where another cargo calls this one (a build script, a test, a coverage run), the variables it sets are meant for the
# host's code: the wrapper drops them. It is replaced in one move, because somebody may be running it.
install_wrapper() {
    local plus=$1
    mkdir -p "$(dirname "$wrapper")"
    cat >"$wrapper.new" <<END
#!/bin/sh
# cargo for $target; written by scripts/wasm-toolchain.sh
unset RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
command=\$1
shift
exec cargo${plus:+ $plus} "\$command" --target $target "\$@"
END
    if cmp -s "$wrapper.new" "$wrapper"; then
        rm "$wrapper.new"
    else
        chmod +x "$wrapper.new"
        mv "$wrapper.new" "$wrapper"
        say "ready: wasm-cargo uses ${plus:-the toolchain of rustup}"
    fi
}

main
