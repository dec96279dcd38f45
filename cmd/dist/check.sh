#!/bin/bash
# Checks what "make dist" has made, as someone who has downloaded it: check.sh DIR ARCH…
#
# The sums are right; archives have their files; each binary is static, prints its version,
# counts tokens as ./weir does and runs a benchmark; packages can be unpacked and are found
# right by lintian, where it is installed; a bill of materials has the digest of its binary.
# A binary of another processor runs in qemu-user-static (Debian).
set -euo pipefail
dist=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "test-dist: $*" >&2
	exit 1
}

(cd "$dist" && sha256sum --check --quiet SHA256SUMS) || fail "the sums are wrong"

host=$(go env GOHOSTARCH)
# What counts tokens: prompts of an exact length, of two tokenizers.
cat >"$work/count.ts" <<'TS'
import { Tokenizer } from "weir/tokenizer";
export default function () {}
export const handleSummary = () => {
  const t = new Tokenizer("builtin");
  const text = "Die weiße Möwe 🐦 flog über 昇腾 NPU; it said: ‘déjà vu’\n".repeat(7);
  return { stdout: JSON.stringify([t.encode(text), t.count(text), t.decode(t.encode(text).slice(0, 40))]) };
};
TS

for arch in "$@"; do
	name=$(basename "$dist"/weir-*-linux-"$arch".tar.gz .tar.gz)
	[ -f "$dist/$name.tar.gz" ] || fail "there is no archive for $arch in $dist"
	tar xzf "$dist/$name.tar.gz" -C "$work"
	weir=$work/$name/weir
	for file in LICENSE README.md README.zh-CN.md THIRD_PARTY_NOTICES.txt completions/weir.bash completions/_weir completions/weir.fish man/man1/weir.1 man/man1/weir-run.1 types/weir.d.ts; do
		[ -s "$work/$name/$file" ] || fail "$name.tar.gz has no $file"
	done

	# A static binary has no interpreter, which is what the kernel would load first.
	readelf --wide --program-headers --dynamic "$weir" >"$work/headers"
	! grep -q INTERP "$work/headers" || fail "$weir needs a loader"
	! grep -q NEEDED "$work/headers" || fail "$weir needs libraries"
	! grep -qaF -e "$root" -e "$HOME/" "$weir" || fail "$weir names a folder of this machine"

	run=()
	if [ "$arch" != "$host" ]; then
		qemu=qemu-$(case $arch in arm64) echo aarch64 ;; amd64) echo x86_64 ;; esac)-static
		command -v "$qemu" >/dev/null || fail "$qemu is missing, which runs the binary for $arch: install qemu-user-static"
		run=("$qemu")
	fi
	# Nothing of the environment, and a folder with nothing in it.
	mkdir -p "$work/empty-$arch"
	cd "$work/empty-$arch"
	weir() { env -i HOME="$work/empty-$arch" "${run[@]}" "$weir" "$@"; }
	# Into files: grep -q ends early, and then who writes to it has failed.
	weir version >version
	weir version --licenses >licenses
	grep -q "linux/$arch" version || fail "weir version: $(<version)"
	grep -q '^musl ' licenses || fail "weir version --licenses has no musl"
	weir run "$work/count.ts" --sim --no-summary --progress none --out counted 2>counting | grep '^\[' >"$work/tokens-$arch" || { cat counting; fail "$arch counts no tokens"; }
	cmp -s "$work/tokens-$arch" "$work/tokens-$1" || fail "$arch counts other tokens than $1"
	weir run static --sim --sim-ttft 1ms --sim-itl 200us --parallel-num 1 4 --prompt-tokens 64 --output-tokens 16 --epochs 2 --benchmark-csv x.csv --out r >log 2>&1 ||
		{ cat log; fail "weir run static failed on $arch"; }
	[ "$(wc -l <x.csv)" = 3 ] || fail "weir run static on $arch wrote no table of two cases"

	sum=$(sha256sum "$weir" | cut -d ' ' -f 1)
	grep -q "$sum" "$dist/$name.cdx.json" || fail "$name.cdx.json is not of this binary"

	deb=$(echo "$dist"/weir_*_"$arch".deb)
	if command -v dpkg-deb >/dev/null; then
		dpkg-deb --extract "$deb" "$work/deb-$arch"
		cmp -s "$work/deb-$arch/usr/bin/weir" "$weir" || fail "$deb has another binary"
		[ "$(dpkg-deb --field "$deb" Architecture)" = "$arch" ] || fail "$deb is for another processor"
	fi
	if command -v lintian >/dev/null; then
		lintian --fail-on error "$deb" || fail "lintian: see above"
	fi
	grep -q "rootfs-$arch.tar.gz" <(tar tzf "$dist"/weir-*-container.tar.gz) || fail "the container file has nothing for $arch"
	echo "test-dist: $name is right"
done
