#!/usr/bin/env python3
"""What the dynamic benchmark's CSV must say of the event times in events.json and of the
lengths in prompts.jsonl, worked out independently of weir, with numpy, by the arithmetic of
benchmark_serving.py but with the tokens that came. Writes golden.csv. Only needed to make
it anew: python3 golden.py"""
import csv, json, os
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
cases = json.load(open(os.path.join(here, "events.json")))
MAX_TOKENS, MAX_PROMPT_TOKENS = 100, 90

# What is left of the prompts.
lengths = []
for line in open(os.path.join(here, "prompts.jsonl")):
    row = json.loads(line)
    prompt, output = row["prompt_tokens"], row["output_tokens"]
    if prompt < 4 or output < 4 or prompt > MAX_PROMPT_TOKENS:
        continue
    if prompt + output > MAX_TOKENS:
        output = MAX_TOKENS - prompt
        if output <= 0:
            continue
    lengths.append((prompt, output))

HEAD = ["数据集", "输入平均长度（tokens）", "输出平均长度（tokens）", "请求频率（req/s）", "请求吞吐（req/s）", "请求平均时延（s）",
        "平均输出tokens吞吐（tokens/s）", "单请求每tokens平均时延（ms）", "首tokens平均时延（ms）", "输出tokens总吞吐（tokens/s）"]

rows = []
for c in cases:
    assert len(c["requests"]) == len(lengths)
    good = [r for r in c["requests"] if not r.get("failed")]
    wall = (max(r["end"] for r in c["requests"]) - min(r["start"] for r in c["requests"])) / 1000
    several = [r for r in good if len(r["events"]) > 1]  # without a second token there is no time between tokens
    decode = lambda r: (r["events"][-1] - r["events"][0]) / 1000
    rows.append(["weir", np.mean([p for p, _ in lengths]), np.mean([o for _, o in lengths]), float(c["rate"]),
                 len(good) / wall,
                 np.mean([r["events"][-1] - r["start"] for r in good]) / 1000,
                 np.mean([r["tokens"] / decode(r) for r in several]),
                 np.mean([decode(r) / r["tokens"] for r in several]) * 1000,
                 np.mean([r["events"][0] - r["start"] for r in good]),
                 sum(r["tokens"] for r in good) / wall])

with open(os.path.join(here, "golden.csv"), "w", encoding="utf-8-sig", newline="") as f:
    w = csv.writer(f)
    w.writerow(HEAD)
    for row in sorted(rows, key=lambda r: r[3]):
        w.writerow([row[0]] + [round(float(v), 4) for v in row[1:]])
