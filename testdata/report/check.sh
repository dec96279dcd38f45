#!/bin/bash
# Opens reports of real runs in headless Chromium: charts, hover, legends, search, sorting,
# dark mode, print, a phone's width, Chinese, no script, no network, and 100,000 requests.
#
# usage: check.sh WEIR [FOLDER]
#
# FOLDER keeps the package and gets the runs and screenshots (default .build/report of the
# repository). CHROMIUM names another browser than the chromium or google-chrome in PATH.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:?usage: check.sh WEIR [FOLDER]}")
folder=$(realpath -m "${2:-$here/../../.build/report}")

fail() {
	echo "report: $*" >&2
	exit 1
}

command -v npm >/dev/null || fail "npm is missing (Debian: apt-get install npm)"
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$chromium" ] || fail "chromium is missing (Debian: apt-get install chromium); CHROMIUM names another one"

mkdir -p "$folder"
if ! cmp -s "$here/package-lock.json" "$folder/package-lock.json"; then
	cp "$here/package.json" "$here/package-lock.json" "$folder"
	npm ci --prefix "$folder" --no-audit --no-fund --silent || {
		rm -f "$folder/package-lock.json"
		fail "cannot install playwright-core: is the npm registry reachable?"
	}
fi

runs=$folder/runs
rm -rf "$runs"
mkdir -p "$runs"
cd "$runs"
# run NAME ARGUMENTS… plays a run; whether the service did well is not the question.
run() {
	local name=$1
	shift
	"$weir" run "$@" --sim --no-summary --progress none --out "$runs/$name" >"$runs/$name.log" 2>&1 || true
	[ -e "$runs/$name/report.html" ] || {
		cat "$runs/$name.log" >&2
		fail "weir run $* has written no report"
	}
}
export LC_ALL=C
run static static --parallel-num 1 4 16 --prompt-tokens 64 --output-tokens 16 --epochs 3 --benchmark-csv "$runs/static.csv" \
	--monitor host --monitor-interval 50ms --metrics-url auto --goodput ttft:100 tpot:40
run failures "$here/failures.ts" --sim-fault 500,truncate --sim-fault-rate 0.15
run hello "$here/../../examples/hello.ts" --sim-ttft 2ms --sim-itl 1ms
run http "$here/http.ts"
run many static --parallel-num 1 2 3 4 5 6 7 8 9 10 --prompt-tokens 8 16 24 32 40 48 --output-tokens 4 4 4 6 6 6 --epochs 1 --no-doctor \
	--sim-ttft 2ms --sim-itl 1ms --benchmark-csv "$runs/many.csv" --lang zh
# Ctrl-C in the middle of the second case.
"$weir" run "$here/long.ts" --sim --no-summary --progress none --out "$runs/interrupted" >"$runs/interrupted.log" 2>&1 &
pid=$!
until grep -q '"name": *"first"' "$runs/interrupted/result.json" 2>/dev/null; do
	kill -0 $pid 2>/dev/null || fail "long.ts ended by itself: $(cat "$runs/interrupted.log")"
	sleep 0.1
done
sleep 0.5
kill -INT $pid
wait $pid || true
[ -e "$runs/interrupted/report.html" ] || fail "the interrupted run has written no report: $(cat "$runs/interrupted.log")"
run hundred-thousand "$here/hundred-thousand.ts" --sim-ttft 1ms --sim-itl 200us --sim-jitter 0.5
"$weir" report "$runs/static" --lang zh --html "$runs/static-zh.html" >/dev/null

cp "$here"/*.mjs "$folder"
cd "$folder"
CHROMIUM=$chromium RUNS=$runs node --test check.mjs
