#!/usr/bin/env python3
"""Trains tiny tokenizers that have no tokenizer.json. usage: slow_models.py TEXT FOLDER

FOLDER/sp-NAME/tokenizer.model, also of FOLDER/slow-llama, and FOLDER/slow-NAME/{vocab.json,merges.txt}. TEXT is what they are trained on.
"""
import json
import os
import sys

from sentencepiece import SentencePieceTrainer
from tokenizers import ByteLevelBPETokenizer

text, folder = sys.argv[1:]
# As Llama 2's and Yi's: no normalization, bytes for unknown characters.
PLAIN = {"byte_fallback": True, "normalization_rule_name": "identity", "remove_extra_whitespaces": False, "split_digits": True, "allow_whitespace_only_pieces": True}


def train(name, config, **options):
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    SentencePieceTrainer.train(input=text, model_prefix=f"{folder}/{name}/tokenizer", num_threads=1, minloglevel=2, character_coverage=0.98, **options)
    json.dump(config, open(f"{folder}/{name}/tokenizer_config.json", "w"))


LLAMA = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True}
train("sp-llama", LLAMA, model_type="bpe", vocab_size=520, **PLAIN)
train("slow-llama", LLAMA | {"legacy": False}, model_type="bpe", vocab_size=520, **PLAIN)
train("sp-yi", LLAMA | {"add_bos_token": False}, model_type="bpe", vocab_size=520, add_dummy_prefix=False, user_defined_symbols=["<fim>", "<|x|>", "  "], **PLAIN)
train("sp-unigram", {}, model_type="unigram", vocab_size=520, **PLAIN)
train("sp-nmt", {}, model_type="unigram", vocab_size=300)  # the rules nmt_nfkc, blanks squeezed
train("sp-nmt-bpe", {}, model_type="bpe", vocab_size=300)

for name, config in {
    "gpt2": {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"},
    "qwen2": {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "added_tokens_decoder": {
        str(600 + i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": i < 2}
        for i, t in enumerate(["<|endoftext|>", "<|im_end|>", "<think>"])}},
}.items():
    os.makedirs(f"{folder}/slow-{name}", exist_ok=True)
    bpe = ByteLevelBPETokenizer()
    bpe.train([text], vocab_size=600, min_frequency=1, special_tokens=["<|endoftext|>"] if name == "gpt2" else [])
    bpe.save_model(f"{folder}/slow-{name}")
    json.dump(config, open(f"{folder}/slow-{name}/tokenizer_config.json", "w"))
