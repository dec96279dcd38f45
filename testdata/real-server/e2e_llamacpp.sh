#!/bin/bash
# Runs weir against a real inference server that is not ours: llama.cpp's own HTTP
# server, from one wheel, with a tiny generated model. Checks what weir reports.
#
# usage: e2e_llamacpp.sh WEIR [FOLDER]
#
# FOLDER keeps the server's Python environment for the next time (default
# .build/real-server of the repository). The results of the last run stay there too.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:?usage: e2e_llamacpp.sh WEIR [FOLDER]}")
folder=$(realpath -m "${2:-$here/../../.build/real-server}")
wheel=xllamacpp==2026.10.11549

fail() {
	echo "e2e_llamacpp: $*" >&2
	exit 1
}

command -v python3 >/dev/null || fail "python3 is missing (Debian: apt-get install python3-venv)"
mkdir -p "$folder"
python=$folder/venv/bin/python
if [ ! -e "$folder/$wheel" ]; then
	rm -rf "$folder/venv"
	python3 -m venv "$folder/venv" || fail "python3 cannot make virtual environments (Debian: apt-get install python3-venv)"
	"$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps "$wheel" ||
		fail "cannot install $wheel: is PyPI reachable?"
	touch "$folder/$wheel"
fi
mkdir -p "$folder/tokenizer"
python3 "$here/tiny_gguf.py" "$folder/tiny.gguf" --tokenizer "$folder/tokenizer/tokenizer.json"

# serve [embed] starts the server on a free port and waits until it is ready.
serve() {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	"$python" "$here/llamacpp_serve.py" "$folder/tiny.gguf" "$port" 4 2048 1 "$@" >"$folder/server.log" 2>&1 &
	server=$!
	for _ in $(seq 300); do
		if python3 "$here/healthy.py" "$port" 2>/dev/null; then
			return
		fi
		kill -0 $server 2>/dev/null || { tail -30 "$folder/server.log" >&2; fail "the server ended before it was ready"; }
		sleep 0.1
	done
	tail -30 "$folder/server.log" >&2
	fail "the server is not ready after half a minute"
}

stop() {
	kill $server 2>/dev/null || true
	wait $server 2>/dev/null || true
}
trap stop EXIT

serve
# Each has prompts of its own: the server would find those of another in its cache.
seed=0
for backend in openai-chat openai openai-responses anthropic llamacpp; do
	echo "== $backend"
	out=$folder/$backend
	rm -rf "$out" "$out.csv"
	"$weir" run static --host 127.0.0.1 --port "$port" --backend $backend --tokenizer "$folder/tokenizer" --served-model-name tiny \
		--parallel-num 1 4 8 --prompt-tokens 64 256 --output-tokens 32 16 --epochs 2 \
		--seed $((seed += 100)) --metrics-url auto --out "$out" --benchmark-csv "$out.csv"
	python3 "$here/check.py" "$backend" "$out/result.json" "$out.csv"
done
stop

serve embed
echo "== embedding"
out=$folder/embedding
rm -rf "$out" "$out.csv"
"$weir" run static --host 127.0.0.1 --port "$port" --backend embedding --tokenizer "$folder/tokenizer" --served-model-name tiny \
	--parallel-num 1 4 8 --prompt-tokens 64 256 --output-tokens 1 1 --epochs 2 --out "$out" --benchmark-csv "$out.csv"
python3 "$here/check_embedding.py" "$out/result.json" "$out.csv"
echo "llama.cpp: ok"
