#!/usr/bin/env python3
"""Checks what weir says about a run of e2e_llamacpp.sh. usage: check.py BACKEND RESULT.json TABLE.csv"""
import csv
import json
import sys

# (prompt tokens asked, output tokens asked, parallel): 2 waves each
CASES = [(64, 32, 1), (256, 16, 1), (64, 32, 4), (256, 16, 4), (64, 32, 8), (256, 16, 8)]
WAVES = 2
# What may be found of a client that shares two cores with a server: a tiny model is so
# fast that events come together, and a busy machine does the rest. Timings decide nothing here.
TIMING = {"few_samples", "shared_reads", "merged_first_tokens", "start_lag", "read_lag", "event_loop_lag", "late_iterations",
          "client_cpu", "gc_pauses", "cpu_steal", "slow_records"}

result = json.load(open(sys.argv[2], encoding="utf-8"))
faults = []


def expect(what, got, want):
    if got != want:
        faults.append(f"{what}: {got!r}, expected {want!r}")


def between(what, low, got, high):
    if got is None or not low <= got <= high:
        faults.append(f"{what}: {got!r}, expected {low} to {high}")


expect("interrupted", result["interrupted"], False)
expect("error", result.get("error", ""), "")
expect("cases", [(c["tags"]["prompt_tokens"], c["tags"]["output_tokens"], c["tags"]["parallel"]) for c in result["cases"]], CASES)

for case in result["cases"]:
    name, counts, metrics, tags = case["name"], case["counts"], case["metrics"], case["tags"]
    n = tags["parallel"] * WAVES
    for field in ("scheduled", "started", "completed", "requests"):
        expect(f"{name}: counts.{field}", counts[field], n)
    for field in ("requests_failed", "requests_interrupted", "iteration_failed", "interrupted", "dropped"):
        expect(f"{name}: counts.{field}", counts[field], 0)
    expect(f"{name}: errors", case["errors"], [])

    # The server counts; ignore_eos makes it go on to the number that was asked for.
    expect(f"{name}: token_sources.output", case["token_sources"]["output"], {"usage": n})
    output = metrics["output_tokens"]
    expect(f"{name}: output_tokens", (output["n"], output["min"], output["max"]), (n, tags["output_tokens"], tags["output_tokens"]))

    # The prompts were made with the model's own tokenizer, so the server must count as many
    # tokens as were asked for; a chat template adds the same few to each.
    prompt = metrics["input_tokens"]
    expect(f"{name}: token_sources.input", case["token_sources"]["input"], {"usage": n})
    added = prompt["min"] - tags["prompt_tokens"]
    expect(f"{name}: input_tokens", (prompt["n"], prompt["max"]), (n, prompt["min"]))
    if sys.argv[1] in ("openai", "llamacpp"):
        expect(f"{name}: tokens added to the prompt", added, 0)
    else:
        between(f"{name}: tokens of the chat template", 1, added, 40)
    expect(f"{name}: validity", [r["message"] for r in case["validity"]["reasons"] if r["rule"] not in TIMING], [])

    # What the server's own page counts is what came and went.
    expect(f"{name}: pages of server metrics", [(p["kind"], p.get("error"), p.get("notes")) for p in case["server"]], [("llamacpp", None, None)])
    page = case["server"][0]
    expect(f"{name}: generated tokens on the page", page["generation_tokens"]["tokens"], n * tags["output_tokens"])
    expect(f"{name}: prompt tokens on the page", page["prompt_tokens"]["tokens"], n * prompt["min"])
    between(f"{name}: hits of the prefix cache", 0, page["prefix_cache"]["hits"], page["prompt_tokens"]["tokens"])
    between(f"{name}: prefill on the page, ms", 0.001, page["times_ms"]["prefill"]["sum"], 1000 * case["duration_s"] * 4)

    # Each request has either a measured TTFT or an upper bound of it. Where all are measured,
    # ttft ≤ e2el, and the tokens after the first take the time between them.
    merged = metrics.get("ttft_upper_bound", {"n": 0})["n"]
    for metric, samples in (("ttft", n - merged), ("e2el", n), ("tpot", n - merged)):
        expect(f"{name}: {metric}.n", metrics.get(metric, {"n": 0})["n"], samples)
        if samples > 0:
            between(f"{name}: {metric}.min", 1e-6, metrics[metric]["min"], 600_000)
            between(f"{name}: {metric}.max", 0, metrics[metric]["max"], metrics["e2el"]["max"])
    if merged == 0:
        apart = (metrics["e2el"]["avg"] - metrics["ttft"]["avg"]) / (tags["output_tokens"] - 1)
        between(f"{name}: tpot.avg", 0.99 * apart, metrics["tpot"]["avg"], 1.01 * apart)
    tokens = n * tags["output_tokens"]
    between(f"{name}: throughput.output_tokens", 0.99 * tokens / case["duration_s"], case["throughput"]["output_tokens"], 1.01 * tokens / case["duration_s"])

raw = open(sys.argv[3], "rb").read()
expect("CSV: byte order mark", raw[:3], b"\xef\xbb\xbf")
rows = list(csv.reader(raw.decode("utf-8-sig").splitlines()))
expect("CSV: head", rows[0][:4], ["输入长度", "输出长度", "并发数", "输出tokens总吞吐"])
# The rows are sorted by prompt length, output length and concurrency.
expect("CSV: rows", [(float(r[0]), float(r[1]), int(r[2])) for r in rows[1:]], sorted((float(i), float(o), p) for i, o, p in CASES))
for row in rows[1:]:
    case = next(c for c in result["cases"] if (c["tags"]["prompt_tokens"], c["tags"]["output_tokens"], c["tags"]["parallel"]) == (float(row[0]), float(row[1]), int(row[2])))
    between(f"CSV: throughput of {case['name']}", case["throughput"]["output_tokens"] - 1e-4, float(row[3]), case["throughput"]["output_tokens"] + 1e-4)

if faults:
    sys.exit("\n".join(["check: what weir reports is wrong:"] + faults))
print(f"check: {len(result['cases'])} cases, {sum(c['counts']['requests'] for c in result['cases'])} requests, all complete")
