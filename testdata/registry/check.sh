#!/bin/bash
# Shares scenarios through a real OCI registry, the one of the project distribution, with a
# login: push, pull and run by tag and by digest, with the network otherwise off, what a
# registry has lost or changed, and what runs without it.
#
# usage: check.sh WEIR [FOLDER]
#
# FOLDER keeps the registry's program and gets what is made (default .build/registry of the
# repository).
set -euo pipefail

version=v3.1.2
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:?usage: check.sh WEIR [FOLDER]}")
folder=$(realpath -m "${2:-$here/../../.build/registry}")

fail() {
	echo "registry: $*" >&2
	exit 1
}

program=$folder/$version/registry
if [ ! -x "$program" ]; then
	echo "registry: building distribution $version"
	(cd / && GOBIN=$folder/$version go install "github.com/distribution/distribution/v3/cmd/registry@$version") ||
		fail "cannot build it: is the Go module proxy reachable?"
fi

work=$folder/work
rm -rf "$work"
mkdir -p "$work"
cd "$work"
cat >config.yml <<END
version: 0.1
log: {accesslog: {disabled: true}, level: info, formatter: text}
storage: {filesystem: {rootdirectory: $work/storage}}
http: {addr: "127.0.0.1:0"}
auth: {htpasswd: {realm: weir, path: $here/htpasswd}}
END

# From here on, nothing but this machine can be reached: what goes to other hosts goes
# through a proxy that is not there.
export HTTP_PROXY=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 NO_PROXY=
export DOCKER_CONFIG=$work/docker WEIR_CACHE=$work/cache

pid=
stop() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	pid=
}
trap stop EXIT
"$program" serve config.yml >registry.log 2>&1 &
pid=$!
for _ in $(seq 300); do
	host=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' registry.log | head -n 1)
	[ -z "$host" ] || break
	kill -0 "$pid" 2>/dev/null || fail "it has ended: $(cat registry.log)"
	sleep 0.1
done
[ -n "$host" ] || fail "it does not listen: $(cat registry.log)"
at=oci://$host/team/hello

# wants TEXT COMMAND…: the command prints that, on whichever stream.
wants() {
	local text=$1 output
	shift
	output=$("$@" 2>&1 || true)
	[[ $output == *"$text"* ]] || fail "$* does not say \"$text\", but: $output"
}
sim=(--sim --sim-ttft 1ms --sim-itl 200us --no-summary)

# Two scenarios; the large one brings 20 MB.
mkdir scenario
head -c 15000000 /dev/urandom | base64 >scenario/large.txt
cat >scenario/hello.ts <<'END'
// Says hello.
import { Endpoint } from "weir/llm";
const service = new Endpoint({ url: "http://127.0.0.1:8000", model: "m", maxTokens: 4 });
export default async function () {
  await service.complete("Hello.");
  console.log("said hello");
}
END
sed 's/^export default/const text = open("large.txt");\n&/; s/"said hello"/`said hello, ${text.length}`/' scenario/hello.ts >scenario/large.ts
"$weir" bundle scenario/hello.ts -o hello.weir >/dev/null
"$weir" bundle scenario/large.ts -o large.weir >/dev/null

wants "wants a login, and there is none" "$weir" push hello.weir "$at:v1"
echo falsch | wants "does not accept this user and password" "$weir" login "$host" -u me --password-stdin
echo geheim | wants "logged in to $host" "$weir" login "$host" -u me --password-stdin
pinned=$("$weir" push hello.weir "$at:v1" --tag stable)
[[ $pinned == "$at@sha256:"* ]] || fail "push prints $pinned"
[ "$pinned" = "$("$weir" push hello.weir "$at:v1")" ] || fail "the same bundle has another digest"
large=$("$weir" push large.weir "$at:large")
wants "stable has moved, it was ${pinned#*@}" "$weir" push large.weir "$at:stable"
wants "there is no tag v2 in the repository" "$weir" pull "$at:v2"
wants "did you mean v1? There are: large, stable, v1" "$weir" pull "$at:v2"
wants "there is no repository team/nothing" "$weir" pull "oci://$host/team/nothing:v1"

mkdir empty
cd empty
wants "said hello" "$weir" run "$at:v1" "${sim[@]}" --out by-tag
grep -q "\"pinned\": *\"$pinned\"" by-tag/result.json || fail "the result does not say what it was of"
wants "said hello, $(stat -c %s ../scenario/large.txt)" "$weir" run "$large" "${sim[@]}" --out by-digest
"$weir" pull "$at:v1" -o again.weir >/dev/null 2>&1
cmp again.weir ../hello.weir || fail "what was pulled is not what was pushed"

# Two that pull the same at the same time, without a cache.
WEIR_CACHE=$work/shared "$weir" pull "$large" >/dev/null 2>&1 &
first=$!
WEIR_CACHE=$work/shared "$weir" pull "$large" >/dev/null 2>&1 || fail "two do not get along"
wait "$first" || fail "two do not get along"

# The registry changes what it keeps: nobody takes it.
digest=$(sha256sum ../hello.weir | cut -c 1-64)
blob=$work/storage/docker/registry/v2/blobs/sha256/${digest:0:2}/$digest/data
printf X | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
WEIR_CACHE=$work/fresh wants "does not have the digest" "$weir" run "$pinned" "${sim[@]}"

# Without the registry, what was fetched runs.
stop
wants "said hello" "$weir" run "$pinned" "${sim[@]}" --out offline
wants "in the cache and runs without the network: weir run $pinned" "$weir" run "$at:v1" "${sim[@]}"
WEIR_CACHE=$work/fresh wants "nothing listens at $host" "$weir" run "$pinned" "${sim[@]}"
echo "registry: distribution $version: all is well"
