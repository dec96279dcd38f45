#!/usr/bin/env python3
"""Writes what tokenizers are compared on. usage: corpus.py FOLDER

FOLDER/corpus.json: texts, lists of numbers that become token ids, and chats. The
same each time: what is random has a seed.
"""
import json
import random
import sys
import unicodedata

ENGLISH = """A weir measures the flow of a stream: the water that passes over its crest tells, by its depth alone,
how much comes down. It's the engineers' oldest gauge; they've built them of wood, stone and steel. "Don't open the
sluice," she'd said -- they'll be here at 7:45, and we're 1,234.56 metres downstream (or 4051 ft). E-mail: flow@example.org,
see https://example.org/a/b?c=d&e=f#g. I'd've thought O'Neill knew. THE END'S NEAR; I'M SURE'LL."""
CHINESE = """量水堰用来测量水流：水越过堰顶的深度，说明有多少水流下来。工程师们已经用木头、石头和钢铁建造了它们。
“不要打开水闸，”她说，“他们将在７点４５分到这里。”下游一千二百三十四点五六米。繁體中文：測量水流，臺灣。生僻字：𠮷𡃁㐂龘。"""
CODE = '''def flow(depth: float, *, width=1.0) -> float:
    """Discharge over a weir, m³/s."""
\tif depth <= 0:\treturn 0.0
    return 1.84 * width * depth ** 1.5  # Francis, 1883

#include <stdio.h>
int main(void) { for (int i = 0; i < 0x1F; ++i) printf("%d\\t%s\\n", i, argv[i]); return 0; }
SELECT COUNT(*) AS n FROM "t" WHERE a != 'b' AND c >= 1e-5;\r\n<html>&nbsp;<b class="x">y</b></html>
{"a": [1, 2.5e10, null, true], "b": {"c": "\\u00e9"}}  ||  x <<= 2;  a?.b ?? c;  // TODO
'''
EMOJI = "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇨🇳🇩🇪 ☺️ ☺ 1️⃣ 🧑‍💻🧑🏿‍🦱 \u200d\ufe0f 🙂🙂🙂"
OTHER = ["Привет, мир! Ёлка.", "こんにちは世界。カタカナ ｶﾀｶﾅ", "안녕하세요 세계 각가", "مرحبا بالعالم ١٢٣", "שלום עולם", "नमस्ते दुनिया क्षि",
         "สวัสดีชาวโลก", "Xin chào thế giới", "Γειά σου Κόσμε ΐ", "ﬁ ﬂ ½ ² Ⅷ ㎏ ™ ℃", "Straße İstanbul ı ŉ ǅ", "a\u0301e\u0308o\u0302 \u1e9b\u0323",
         "\u2126 \u212b \uac00 \u1100\u1161", "\u00a0\u2009\u3000\u2028\u2029\u0085 x", "\ufeffBOM", "\u202eRTL\u202c", "\ud7ff\ue000\ufffd\uffff", "\U0010ffff\U00010000"]
SPECIAL = ["<s>", "</s>", "<unk>", "<bos>", "<eos>", "<pad>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>",
           "<|start_header_id|>", "<start_of_turn>", "<end_of_turn>", "<think>", "</think>", "<tool_call>", "<｜begin▁of▁sentence｜>", "<｜User｜>",
           "<0x41>", "<0xE4>", "▁", "Ġ", "Ċ", "[INST]", "<<SYS>>", "<|reserved_special_token_7|>", "<unused5>", "<mask>", "[multimodal]"]

rng = random.Random(20240117)


def texts():
    yield from ["", " ", "  ", "\n", "\t", "a", " a", "a ", "  a  ", "\n\na\n\n", "\r\n", "\r", " \n \t \n", "1", "12345678901234567890", "''", "'s 'S 'Re"]
    for whole in (ENGLISH, CHINESE, CODE, EMOJI):
        yield whole
        yield from whole.split("\n")
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            yield unicodedata.normalize(form, whole)
        for _ in range(20):
            i, j = sorted(rng.randrange(len(whole)) for _ in range(2))
            yield whole[i:j]
    for text in OTHER:
        yield text
        for form in ("NFC", "NFD"):
            yield unicodedata.normalize(form, text)
    for n in list(range(2, 20)) + [31, 32, 33, 100, 128, 1000]:
        yield " " * n
        yield "\n" * n
        yield "\t" * n + "x"
        yield "x" + " " * n + "y"
        yield " \n" * n + "z"
        yield "a" * n
        yield "▁" * n
        yield "🙂" * n
    for token in SPECIAL:
        for text in (token, f"a{token}b", f" {token} ", f"{token}{token}", f"x\n{token}\ny", f"x  {token}  y", token[:-1], token[1:], token.upper()):
            yield text
    # NUL, other control characters, and the characters that stand for bytes in vocabularies
    for text in ("\0", "a\0b", "\0\0\0", " \0 ", "x\0\1\2y", "\0\n\0", "量\0水", "\0" * 20, "\1\2\3\4", "Ā\0ā", "\x7f\x80\x9f", "<0x00>\0", "\0<s>\0"):
        yield text
    yield "\0" + "".join(map(chr, range(0x2, 0x20)))
    yield "".join(map(chr, range(0x20, 0x300)))
    # Invalid UTF-8 cannot be in JSON or in a JavaScript string: half of a pair comes as U+FFFD in both.
    yield "a\ufffdb\ufffd\ufffd"
    ranges = [(0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x370, 0x600), (0x900, 0xE80), (0x2000, 0x2C00), (0x3040, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4),
              (0xE000, 0xE100), (0xFE00, 0xFFFE), (0x10000, 0x10400), (0x1F300, 0x1FAFF), (0x20000, 0x20100), (0x1, 0x20)]
    for _ in range(400):
        parts = []
        for _ in range(rng.randrange(1, 12)):
            low, high = rng.choice(ranges)
            parts.append("".join(chr(rng.randrange(low, high)) for _ in range(rng.randrange(1, 8))))
            parts.append(rng.choice(["", "", " ", "  ", "\n", rng.choice(SPECIAL)]))
        yield "".join(parts)
    yield from ("量水堰"[i % 3] * 3000 + " end" for i in range(3))
    yield "a" * 100_000
    yield "ab" * 50_000 + "c"


def long_texts():
    """About a megabyte each."""
    yield (ENGLISH + "\n") * (1_000_000 // len(ENGLISH))
    yield CHINESE * (350_000 // len(CHINESE))
    yield "a" * 1_000_000
    words = [ENGLISH, CHINESE, CODE, EMOJI, *OTHER]
    mixed = "".join(rng.choice(words)[rng.randrange(10):] + rng.choice([" ", "\n", ""]) for _ in range(4000))
    yield mixed[:700_000]


def chats():
    tool = {"type": "function", "function": {"name": "get_weather", "description": "Weather <b>now</b> & 'later' für", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "description": "the \"city\""}, "days": {"type": "integer", "enum": [1, 2]}}, "required": ["city"]}}}
    system, user, answer = {"role": "system", "content": "Be brief. "}, {"role": "user", "content": " Hello <world> & \"you\"\n"}, {"role": "assistant", "content": "Hi\n\n"}
    thought = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nAnswer"}
    reasoning = {"role": "assistant", "content": "Answer", "reasoning_content": "let me think"}
    other_name = {"role": "assistant", "content": "Answer", "reasoning": "let me think", "tool_calls": None}
    call = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "type": "function", "function": {
        "name": "get_weather", "arguments": {"city": "Zürich", "days": 2, "x": 1.5, "ok": True, "n": None}}}]}
    text_call = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Z\"}"}}]}
    result = {"role": "tool", "name": "get_weather", "tool_call_id": "call_1", "content": "{\"t\": 3}"}
    data_result = {"role": "tool", "name": "get_weather", "tool_call_id": "call_1", "content": {"t": 3, "z": [1, "a"]}}
    parts = {"role": "user", "content": [{"type": "text", "text": " What is "}, {"type": "image"}, {"type": "text", "text": "this?"}]}
    response = {"role": "user", "content": "<tool_response>x</tool_response>"}
    for messages in ([user], [system, user], [user, answer, user], [system, user, answer, user], [system, user, thought, user], [system, user, reasoning, user],
                     [user, other_name, user], [system, user, call, result, user], [system, user, text_call, result], [user, call, result, result], [user, call, data_result],
                     [parts], [system, parts, answer, user], [answer], [user, user], [system], [user, thought, response]):
        for tools in (None, [tool, tool]):
            for prompt in (True, False):
                for variables in ({}, {"enable_thinking": False}):
                    yield {"messages": messages, "tools": tools, "add_generation_prompt": prompt, "variables": variables}


def templates():
    """Small templates: together they use what Jinja2 has."""
    data = {"s": "Hello World", "e": "", "n": None, "l": [3, 1, 2], "d": {"b": 1, "a": "x", "c": None}, "f": 1.5, "g": 0.1, "i": 7, "neg": -7, "t": True,
            "u": "Zürich 你好", "m": [{"role": "user", "content": "hi", "k": {"z": 1}}, {"role": "tool", "content": "ho"}],
            "nest": {"z": [1, {"y": "<&>'\""}], "k": 2.5e-7, "e": [], "o": {}}, "ws": " \n\t x \u00a0\n", "q": "it's"}
    source = open(__file__.rsplit("/", 1)[0] + "/templates.txt", encoding="utf-8").read()
    for template in source.split("\n----\n"):
        yield {"template": template, "variables": data}


def numbers():
    for _ in range(200):
        yield [rng.random() for _ in range(rng.randrange(1, 60))]


json.dump({"texts": list(texts()), "long": list(long_texts()), "numbers": list(numbers()), "chats": list(chats()), "templates": list(templates())},
          open(sys.argv[1] + "/corpus.json", "w", encoding="utf-8"), ensure_ascii=True)
