#!/bin/sh
# Builds libtokenizers.a, the Rust that weir links: the Rust half of
# github.com/daulet/tokenizers, for the version that go.mod requires and from the
# source inside the Go module, and chattemplate/chattemplate.rs. They are one
# archive since two would both bring Rust's standard library. It takes cargo and
# crates.io alone. Each version is built once, into
#
#   .build/libtokenizers/<version>/libtokenizers.a
#
# and .build/libtokenizers/current points to the version in use, which is where
# modules/tokenizer links from. Prints that folder. An archive that is already
# there is used at once; two builds at the same time do not disturb each other.
#
# Environment: CARGO_BUILD_TARGET builds for another Rust target, with a C compiler that
# cargo finds (CC_<target>). That archive never becomes the current one, and no path of
# this machine is in it: cmd/dist links it.
set -eu

module=github.com/daulet/tokenizers
tiktoken=0.9.1 # released; the module's own manifest names a git fork of it
minijinja=2.24.0
mimalloc=0.1.52
recipe=2 # part of the folder's name, as is the sum of our source: raise it when the manifest below changes

fail() {
	echo "build-libtokenizers: $*" >&2
	exit 1
}

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

command -v go >/dev/null || fail "go is not on PATH: install Go (https://go.dev/dl), the version that go.mod names or newer"
version=$(go list -m -f '{{.Version}}' $module) && [ -n "$version" ] ||
	fail "$root/go.mod does not require $module: run 'go get $module'"

target=${CARGO_BUILD_TARGET:-}
cache=$root/.build/libtokenizers
ours=$root/modules/tokenizer/chattemplate/chattemplate.rs
[ -f "$ours" ] || fail "$ours is missing"
name=$version-r$recipe-$(cksum <"$ours" | cut -d ' ' -f 1)${target:+-$target-rust$(rustc --version | cut -d ' ' -f 2)}

# use makes the version the current one, unless it is for another target; the rename
# replaces the link in one step.
use() {
	if [ -n "$target" ]; then
		echo "$cache/$name"
		return
	fi
	if [ "$(readlink "$cache/current" 2>/dev/null || true)" != "$name" ]; then
		ln -sfn "$name" "$cache/current.$$"
		mv -Tf "$cache/current.$$" "$cache/current" 2>/dev/null ||
			{ rm -f "$cache/current.$$" && ln -sfn "$name" "$cache/current"; } # no -T outside GNU
	fi
	echo "$cache/current"
}

# manifest writes what cargo builds into a folder. It stays beside the archive, for
# whoever wants to know what is in it (cmd/licenses).
manifest() {
	go mod download $module || fail "cannot download $module $version: is the Go module proxy ($(go env GOPROXY)) reachable?"
	source=$(go list -m -f '{{.Dir}}' $module)
	lib=
	for file in crates/tokenizers/src/lib.rs src/lib.rs; do # since v1.25.0, and before
		if [ -f "$source/$file" ]; then
			lib=$source/$file
			break
		fi
	done
	[ -n "$lib" ] || fail "no Rust source in $source: has $module $version another layout? Look there and change $0"
	cat >"$1/lib.rs" <<RUST
#[path = "$lib"]
pub mod tokenizers_c;
#[path = "$ours"]
pub mod chattemplate;
RUST
	allocator=
	case $target in
	*-musl) # whose own allocator has one lock for all threads
		allocator="mimalloc = { version = \"=$mimalloc\", default-features = false }"
		cat >>"$1/lib.rs" <<-RUST
			#[global_allocator]
			static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
		RUST
		;;
	esac
	# Never panic = "abort": panics of the Rust side are caught.
	cat >"$1/Cargo.toml" <<TOML
[package]
name = "libtokenizers"
version = "0.0.0"
edition = "2021"
publish = false

[workspace]

[lib]
name = "tokenizers"
path = "lib.rs"
crate-type = ["staticlib"]

[dependencies]
libc = "0.2"
tokenizers = { version = "0.22", default-features = false, features = ["onig"] }
tiktoken-rs = "=$tiktoken"
serde = { version = "1", features = ["derive"] }
serde_json = { version = "1", features = ["raw_value"] }
base64 = "0.22"
rustc-hash = "1.1"
minijinja = { version = "=$minijinja", features = ["fuel", "loader", "loop_controls", "preserve_order", "unicode"] }
minijinja-contrib = { version = "=$minijinja", features = ["pycompat"] }
indexmap = { version = "=2.9.0", features = ["serde"] }
$allocator

[profile.release]
lto = "fat"
codegen-units = 1
strip = "debuginfo"
TOML
}

if [ -s "$cache/$name/libtokenizers.a" ]; then
	[ -f "$cache/$name/Cargo.toml" ] || manifest "$cache/$name"
	use
	exit 0
fi

command -v cargo >/dev/null ||
	fail "cargo is not on PATH: install Rust 1.78 or newer (https://rustup.rs, or Debian's cargo-web); needed once per version of $module"
command -v "${CC:-cc}" >/dev/null || fail "no C compiler (${CC:-cc}): install gcc"
command -v "${CXX:-g++}" >/dev/null || fail "no C++ compiler (${CXX:-g++}): install g++; its libstdc++ is linked"

mkdir -p "$cache"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

manifest "$work"
cp "$source/Cargo.lock" "$work/Cargo.lock"
chmod u+w "$work/Cargo.lock"

echo "build-libtokenizers: building $module $version (1 to 4 minutes, once per version)" >&2
if [ -n "$target" ]; then
	RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$work=/libtokenizers --remap-path-prefix=$root=/weir \
		--remap-path-prefix=$source=/tokenizers --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
	export RUSTFLAGS
fi
CARGO_TARGET_DIR=$work/target cargo build --release --quiet --manifest-path "$work/Cargo.toml" >&2 ||
	fail "cargo build failed, see above; crates.io must be reachable"

mkdir "$work/done"
cp "$work/target/${target:+$target/}release/libtokenizers.a" "$work/Cargo.lock" "$work/Cargo.toml" "$work/lib.rs" "$work/done/"
rm -rf "${cache:?}/$name"
mv "$work/done" "$cache/$name" 2>/dev/null || [ -s "$cache/$name/libtokenizers.a" ] ||
	fail "cannot write $cache/$name"
use
