#!/usr/bin/env python3
"""Checks what weir says about the embeddings of e2e_llamacpp.sh. usage: check_embedding.py RESULT.json TABLE.csv"""
import csv
import json
import sys

WAVES = 2
result = json.load(open(sys.argv[1], encoding="utf-8"))
faults = []


def expect(what, got, want):
    if got != want:
        faults.append(f"{what}: {got!r}, expected {want!r}")


expect("cases", [(c["tags"]["prompt_tokens"], c["tags"]["parallel"]) for c in result["cases"]], [(i, p) for p in (1, 4, 8) for i in (64, 256)])
for case in result["cases"]:
    name, metrics, tags = case["name"], case["metrics"], case["tags"]
    n = tags["parallel"] * WAVES
    expect(f"{name}: requests", (case["counts"]["requests"], case["counts"]["requests_failed"]), (n, 0))
    expect(f"{name}: errors", case["errors"], [])
    # The server counts what it adds, too: its marks at both ends of a text.
    tokens = metrics["input_tokens"]
    expect(f"{name}: samples", (tokens["n"], metrics["e2el"]["n"], metrics["response_head"]["n"]), (n, n, n))
    if not tags["prompt_tokens"] <= tokens["min"] <= tokens["max"] <= tags["prompt_tokens"] + 4:
        faults.append(f"{name}: {tokens['min']} to {tokens['max']} input tokens, expected {tags['prompt_tokens']} and a few")
    for none in ("ttft", "itl", "tpot", "output_tokens", "generated_tokens"):
        expect(f"{name}: {none}", metrics.get(none), None)
    rate = tokens["avg"] * n / case["duration_s"]
    if not 0.99 * rate <= case["throughput"]["input_tokens"] <= 1.01 * rate:
        faults.append(f"{name}: {case['throughput']['input_tokens']} input tokens a second, expected {rate}")

rows = list(csv.reader(open(sys.argv[2], encoding="utf-8-sig")))
expect("CSV: head", rows[0], ["Input_Length", "Concurrency", "QPS", "INPUT_TOKEN_THROUGHPUT", "TP90_REQ_LATENCY", "TP99_REQ_LATENCY", "MAX_REQ_LATENCY", "AVG_REQ_LATENCY"])
expect("CSV: rows", [(int(r[0]), int(r[1])) for r in rows[1:]], sorted((i, p) for p in (1, 4, 8) for i in (64, 256)))

if faults:
    sys.exit("\n".join(["check: what weir reports is wrong:"] + faults))
print(f"check: {len(result['cases'])} cases, {sum(c['counts']['requests'] for c in result['cases'])} embeddings, all complete")
