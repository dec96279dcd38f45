#!/usr/bin/env python3
"""Writes what the Go tests of modules/tokenizer expect, with Hugging Face's and Google's own libraries.
usage: golden.py FOLDER modules/tokenizer

FOLDER is the one of check.sh after it has run: its Python runs this, its models are used. The small
SentencePiece models that the tests load are copied from there: slow_models.py has trained them on our own text.
"""
import json
import os
import random
import shutil
import sys

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from sentencepiece import SentencePieceProcessor
from transformers.utils.chat_template_utils import _compile_jinja_template

folder, module = sys.argv[1:]
corpus = json.load(open(f"{folder}/corpus.json", encoding="utf-8"))


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(value, ensure_ascii=False).replace("}, {", "},\n{") + "\n")


rendered = []
for t in corpus["templates"]:
    try:
        rendered.append({"template": t["template"], "want": _compile_jinja_template(t["template"]).render(**t["variables"])})
    except Exception as e:
        rendered.append({"template": t["template"], "error": f"{type(e).__name__}: {e}"})
write(f"{module}/chattemplate/testdata/golden.json", {"variables": corpus["templates"][0]["variables"], "cases": rendered})

random.seed(1)
texts = [t for t in corpus["texts"] if len(t) < 60 and not any(x in t for x in ("\0", "▁", "\ufffd", "<s>", "</s>", "<unk>"))]
texts = texts[:60] + random.sample(texts[60:], 140)
golden = {}
for name in ("sp-llama", "sp-yi"):
    os.makedirs(f"{module}/testdata/{name}", exist_ok=True)
    shutil.copy(f"{folder}/models/{name}/tokenizer.model", f"{module}/testdata/{name}/tokenizer.model")
    shutil.copy(f"{folder}/models/{name}/tokenizer_config.json", f"{module}/testdata/{name}/tokenizer_config.json")
    sp = SentencePieceProcessor(model_file=f"{folder}/models/{name}/tokenizer.model")
    golden[name] = [{"text": t, "ids": sp.encode(t)} for t in texts]
write(f"{module}/testdata/sentencepiece.json", golden)
