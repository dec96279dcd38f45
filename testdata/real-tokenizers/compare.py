#!/usr/bin/env python3
"""Compares what encode.ts has written with Hugging Face's own libraries.
usage: compare.py CORPUS-FOLDER MODELS-FOLDER RESULTS-FOLDER NAME…

The token ids are those of the library tokenizers, the chats those of transformers. Names that begin with
sp- have a tokenizer.model alone and are compared with the library sentencepiece; those that begin with
slow- have vocab.json and merges.txt, or another tokenizer.model, and are compared with transformers.
"""
import json
import os
import sys
import unicodedata

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from tokenizers import Tokenizer
from transformers import AutoTokenizer
from transformers.tokenization_utils_base import _normalize_chat_messages
from transformers.utils.chat_template_utils import render_jinja_template

corpus_folder, models, results, *names = sys.argv[1:]
corpus = json.load(open(f"{corpus_folder}/corpus.json", encoding="utf-8"))
faults = 0
shown = {}  # differences of each tokenizer; a few are printed


def same(name, what, got, want, about):
    global faults
    if got == want:
        return
    faults += 1
    shown[name] = shown.get(name, 0) + 1
    if shown[name] <= 5:
        print(f"{name}: {what} of {about!r:.300}\n  weir: {got!r:.1000}\n  want: {want!r:.1000}")


def each(name, what, got, want, about):
    same(name, f"number of {what}", len(got), len(want), "")
    for g, w, a in zip(got, want, about):
        same(name, what, g, w, a)


def render(template, messages, tools, variables, prompt):
    try:
        rendered, _ = render_jinja_template([_normalize_chat_messages(messages)], tools=tools, chat_template=template, add_generation_prompt=prompt, **variables)
    except Exception as e:  # what is broken there must be broken here
        return None, f"{type(e).__name__}: {e}"
    return rendered[0], None


def compare_chat(name, got, template, messages, tools, variables, prompt, encode):
    want, error = render(template, messages, tools, variables, prompt)
    about = (template[-300:], messages)
    if error is not None:
        same(name, "chat that must fail: " + error, "error" in got, True, about)
    elif "error" in got:
        same(name, "chat", got["error"], want, about)
    elif encode is None:
        same(name, "chat", got["ok"], want, about)
    else:
        same(name, "chat", got["ok"][0], want, about)
        same(name, "tokens of the chat", got["ok"][1], len(encode(want)), about)


def special_variables(folder):
    config = json.load(open(f"{folder}/tokenizer_config.json", encoding="utf-8"))
    names = [k for k in config if k.endswith("_token") and not k.startswith("add_") and config[k]]
    return {k: config[k]["content"] if isinstance(config[k], dict) else config[k] for k in names}, config.get("chat_template")


def compare_fast(name, got):
    folder = f"{models}/{name}"
    fast = Tokenizer.from_file(f"{folder}/tokenizer.json")
    fast.no_truncation()
    fast.no_padding()
    texts = corpus["texts"]
    plain = [e.ids for e in fast.encode_batch(texts, add_special_tokens=False)]
    special = [e.ids for e in fast.encode_batch(texts)]
    same(name, "vocabulary", got["vocab"], [fast.get_vocab_size(False), fast.get_vocab_size()], "")
    each(name, "ids", got["ids"], plain, texts)
    each(name, "ids with special tokens", got["special"], special, texts)
    same(name, "counts", got["counts"], [[len(x) for x in plain], [len(x) for x in special]], "")
    each(name, "ids", got["long"], [fast.encode(x, add_special_tokens=False).ids for x in corpus["long"]], [x[:50] for x in corpus["long"]])
    known = fast.get_vocab_size()
    random = [[i for i in (int(x * known) for x in numbers) if fast.id_to_token(i) is not None] for numbers in corpus["numbers"]]
    each(name, "known ids", got["random"], random, random)
    lists = special + random
    each(name, "text", got["decoded"], fast.decode_batch(lists, skip_special_tokens=False), lists)
    each(name, "text without special tokens", got["skipped"], fast.decode_batch(lists, skip_special_tokens=True), lists)
    for i, token, back in got["tokens"]:
        same(name, "token", [token, back], [fast.id_to_token(i), fast.token_to_id(token)], i)
    want = [{"id": i, "text": t.content} for i, t in sorted(fast.get_added_tokens_decoder().items()) if t.special]
    same(name, "special tokens", got["specialTokens"], want, "")

    variables, template = special_variables(folder)
    same(name, "whether there is a chat template", got["chats"] is not None, template is not None, "")
    for result, chat in zip(got["chats"] or [], corpus["chats"]):
        compare_chat(name, result, template, chat["messages"], chat["tools"], {**variables, **chat["variables"]}, chat["add_generation_prompt"],
                     lambda text: fast.encode(text, add_special_tokens=False).ids)
    for result, t in zip(got["templates"], corpus["templates"]):
        compare_chat(name, result, t["template"], [{"role": "user", "content": ""}], None, {**variables, **t["variables"]}, True, None)


def compare_sentencepiece(name, got):
    from sentencepiece import SentencePieceProcessor
    sp = SentencePieceProcessor(model_file=f"{models}/{name}/tokenizer.model")
    control = [sp.id_to_piece(i) for i in range(sp.get_piece_size()) if sp.is_control(i) or sp.is_unknown(i)]
    n = 0
    for text, ids in zip(corpus["texts"], got["ids"]):
        # The library does not know that <s> in a text is a token; it ends texts at a NUL in its rules.
        if any(c in text for c in control) or "\0" in text or "▁" in text or "\ufffd" in text:
            continue
        if "nmt" in name and any(map(unicodedata.combining, text)):
            continue  # tokenizers applies compiled rules to each grapheme as a whole
        if "unigram" in name and "<0x" in text:
            continue  # tokenizers takes the text of a byte token for it
        n += 1
        want = sp.encode(text)
        if "unigram" in name and sorted(ids) == sorted(want):
            continue  # two ways to cut that are equally likely: tokenizers takes the other one
        same(name, "ids", ids, want, text)
    if n < 500:
        same(name, "number of texts compared", n, 500, "")


def compare_transformers(name, got):
    want = AutoTokenizer.from_pretrained(f"{models}/{name}")
    texts = corpus["texts"]
    each(name, "ids", got["ids"], [want.encode(x, add_special_tokens=False) for x in texts], texts)
    each(name, "ids with special tokens", got["special"], [want.encode(x) for x in texts], texts)


for name in names:
    before = faults
    got = json.load(open(f"{results}/{name}.json", encoding="utf-8"))
    compare = compare_sentencepiece if name.startswith("sp-") else compare_transformers if name.startswith("slow-") else compare_fast
    compare(name, got)
    print(f"{name}: {'ok' if faults == before else 'DIFFERENT'}")
if faults:
    sys.exit(f"{faults} differences")
