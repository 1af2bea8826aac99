#!/usr/bin/env bash
# Builds the wasm32-wasip2 standard library from Debian's source packages and puts it into the Rust toolchain, for
# machines on which rustup's server cannot be reached. Afterwards a plain `cargo build --target wasm32-wasip2` works.
#
#   wasm-std.sh [SYSROOT]      SYSROOT: where to install; default: the toolchain of `rustc` in this directory
#
# Needs apt, Debian's archive keyring, gcc, the Rust toolchain and its package registry; about two minutes and 1 GB of
# scratch space in TMPDIR. Needs no root where the toolchain belongs to the caller. Safe to run twice, or two at once.
# Every package is checked against Debian's signature by apt itself; nothing on the system is changed but SYSROOT.
#
# Settings by environment: RUSTC, CARGO (which toolchain), TILLBOX_DEBIAN_MIRROR (when /etc/apt names none).
# Exit codes: 0 installed or already there; 2 this machine cannot do it, and the message says why; else a step failed.
set -euo pipefail
umask 022

target=wasm32-wasip2
# The suite that carries the compiler's version as source; its keyring is part of Debian's base.
suite=trixie-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

cannot() { echo "wasm-std: $*" >&2; exit 2; }
step() { echo "wasm-std: $*" >&2; }
# What rustc and its linker look for; a directory that was half copied must not count.
complete() { compgen -G "$1/libstd-*.rlib" >/dev/null && [ -f "$1/self-contained/libc.a" ]; }

rustc=${RUSTC:-rustc}
toolchain=$("$rustc" --print sysroot) || cannot "no rustc: install Rust first"
version=$("$rustc" --version | cut -d' ' -f2)
commit=$("$rustc" --version --verbose | sed -n 's/^commit-hash: //p')
# rustup's proxies choose a toolchain by the current directory, and this script changes it: name the real programs.
[ -x "$toolchain/bin/rustc" ] && rustc=$toolchain/bin/rustc
cargo=${CARGO:-cargo}
[ -x "$toolchain/bin/cargo" ] && cargo=$toolchain/bin/cargo

sysroot=${1:-$toolchain}
rustlib=$sysroot/lib/rustlib
lib=$rustlib/$target/lib
complete "$lib" && { step "$target is already installed"; exit 0; }

for tool in apt-get apt-cache dpkg-deb tar flock cc; do
  command -v "$tool" >/dev/null || cannot "needs $tool; this way works on Debian with gcc installed"
done
[ -r "$keyring" ] || cannot "$keyring is missing: install debian-archive-keyring"
mkdir -p "$rustlib" 2>/dev/null && [ -w "$rustlib" ] ||
  cannot "$rustlib is not writable for $(id -un): run this as the owner of the toolchain"

# The lock is on the directory itself, so no file stays behind.
exec 9<"$rustlib"
flock --nonblock 9 || { step "waiting for another run"; flock 9; }
complete "$lib" && { step "$target was installed meanwhile"; exit 0; }

mirror=${TILLBOX_DEBIAN_MIRROR:-$(
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    awk '/^ *#/ { next }
         /^URIs:/ || /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^https?:.*\/debian\/?$/) { print $i; exit } }'
)}
[ -n "$mirror" ] || cannot "/etc/apt names no Debian mirror: set TILLBOX_DEBIAN_MIRROR to its address"

work=$(mktemp -d)
# Beside the final place, so that the last step is a rename inside one file system.
staged=$rustlib/.$target.$$
trap 'rm -rf "$work" "$staged"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,src,wasi}
echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
# Own lists and cache: the machine's package state stays as it is, and no root is needed.
own=(-oDir::Etc::sourcelist="$work/sources.list" -oDir::Etc::sourceparts=/dev/null -oDir::State::Lists="$work/lists"
  -oDir::Cache="$work/cache" -oAPT::Sandbox::User=root)
strict=(-oAPT::Update::Error-Mode=any -oAcquire::AllowInsecureRepositories=false
  -oAcquire::AllowWeakRepositories=false -oAPT::Get::AllowUnauthenticated=false -oAcquire::Retries=3)

step "reading the package list of $suite"
apt-get -qq "${own[@]}" "${strict[@]}" update >&2
# Exactly the compiler's version: the library uses compiler internals that change with every release.
package=$(apt-cache "${own[@]}" madison rust-src |
  awk -v v="$version" '{ rest = substr($3, length(v) + 1, 1) }
                       index($3, v) == 1 && rest !~ /[0-9.]/ && !found { print $3; found = 1 }')
[ -n "$package" ] || cannot "$suite has no rust-src $version, the version of this compiler"

step "downloading rust-src $package and wasi-libc"
(cd "$work/debs" && apt-get -qq "${own[@]}" "${strict[@]}" download "rust-src=$package" wasi-libc >&2)
dpkg-deb --fsys-tarfile "$work"/debs/rust-src_*.deb | tar -x -C "$work/src" --wildcards './usr/src/rustc-*/library'
dpkg-deb -x "$work"/debs/wasi-libc_*.deb "$work/wasi"
library=$(echo "$work"/src/usr/src/rustc-*/library)
[ -f "$library/sysroot/Cargo.toml" ] || cannot "rust-src $package has no library/sysroot: its layout is not known here"

step "compiling the standard library of rustc $version for $target"
# The variables mean: unstable features on for a stable compiler, crate names that no user crate can collide with, and
# a library whose unstable parts stay closed to its users. That is how the compiler's own build makes it. Source paths
# become those of the official library, so that components are the same bytes whatever directory this ran in.
deps=${CARGO_HOME:-$HOME/.cargo}/registry/src
flags=(-Zforce-unstable-if-unmarked --remap-path-prefix="$library=/rustc/$commit/library" --remap-path-prefix="$deps=/rust/deps")
(
  cd "$library"
  unset RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS CARGO_BUILD_TARGET CARGO_MAKEFLAGS MAKEFLAGS
  env RUSTC="$rustc" RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=stablestd CARGO_INCREMENTAL=0 \
    CARGO_TARGET_DIR="$work/target" CARGO_ENCODED_RUSTFLAGS="$(IFS=$'\x1f'; echo "${flags[*]}")" \
    "$cargo" build --quiet --locked --manifest-path sysroot/Cargo.toml --features backtrace,panic-unwind \
    --profile dist --target "$target" >&2
)

step "installing into $lib"
mkdir -p "$staged/self-contained" "$rustlib/$target"
cp "$work/target/$target/dist/deps/"lib*.rlib "$staged/"
cp "$work/wasi/usr/lib/$target/"{crt1-command.o,crt1-reactor.o,libc.a} "$staged/self-contained/"
complete "$staged" || cannot "the build gave no libstd; please report it with the output above"
# An incomplete directory of an interrupted installation makes room first; a complete one never gets here.
[ ! -e "$lib" ] || mv "$lib" "$work/incomplete"
mv "$staged" "$lib"
step "installed $target for rustc $version"
