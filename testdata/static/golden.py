#!/usr/bin/env python3
"""What the CSVs of the static and of the climbing benchmark must say of the event times in
events.json, worked out independently of weir, with numpy, by the formulas of docs/metrics.md.
Writes golden-6.3.csv, golden-6.5.csv and golden-climbing.csv, the last one in the order of the
cases and without Execution_Time. Only needed to make them anew: python3 golden.py"""
import csv, json, os
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
cases = json.load(open(os.path.join(here, "events.json")))

P90_A = ["输入长度", "输出长度", "并发数", "输出tokens总吞吐", "首tokens时延TP90（ms）", "首tokens时延TP99（ms）", "最大首tokens时延（ms）",
         "平均首tokens时延（ms）", "增量时延TP90（ms）", "增量时延TP99（ms）", "最大增量时延（ms）", "平均增量时延（ms）"]
SIX = ["TP75", "TP90", "TP95", "TP99", "MAX", "AVG"]
HEAD_B = (["Input_Length", "Output_Length", "Concurrency", "Total_Token_Throughput(tokens/s)", "Output_Token_Throughput(tokens/s)"]
          + [f"{s}_TTFT(s)" for s in SIX] + [f"{s}_TPOT(s)" for s in SIX]
          + [f"{s}_TPOT_SEC(s)" for s in ["TP90", "TP95", "TP99", "MAX", "AVG"]]
          + [f"{s}_TIME_BETWEEN_FIRST_AND_SECOND_TOKEN(s)" for s in ["TP90", "TP95", "TP99", "MIN", "MAX", "AVG"]]
          + [f"{s}_E2E(s)" for s in SIX] + ["Total_Time(s)", "QPS", "Fail_Rate", "Backend", "Temperature", "Top_k", "Top_p"])

HEAD_C = (HEAD_B[:-2] + ["Top_K", "Top_P", "Control_Method", "Growth_Rate", "Rounds", "Num_Prompts", "Provider"]
          + [f"{s}_COMPLETION_TOKENS" for s in ["TP90", "TP95", "TP99", "MIN", "AVG"]]
          + ["AVG_REASONING_TOKENS", "AVG_CONTENT_TOKENS", "AVG_PROMPT_TOKENS"]
          + [f"{s}_SERVER_{m}(ms)" for m in ["TTFT", "TPOT", "E2E"] for s in SIX]
          + [f"{s}_SPEC_ACCEPT_RATE" for s in ["TP90", "TP95", "TP99", "MIN", "MAX", "AVG"]])


def stat(name, x):
    if name.startswith("TP"):
        return np.percentile(x, float(name[2:]))
    return {"MAX": np.max, "MIN": np.min, "AVG": np.mean}[name](x)


rows_a, rows_b, rows_c = [], [], []
for c in cases:
    good = [r for r in c["requests"] if not r.get("failed")]
    start, end = min(r["start"] for r in c["requests"]), max(r["end"] for r in c["requests"])
    wall = (end - start) / 1000
    ttft = [r["events"][0] - r["start"] for r in good]
    e2e = [r["events"][-1] - r["start"] for r in good]
    tpot = [(r["events"][-1] - r["events"][0]) / (r["tokens"] - 1) for r in good]
    tpot_sec = [(r["events"][-1] - r["events"][1]) / (r["tokens"] - 2) for r in good]
    second = [r["events"][1] - r["events"][0] for r in good]
    # A failed request's prefill kept the service busy as well: until its first event, or its end.
    prefills = [(r["start"], r["events"][0] if r["events"] else r["end"]) for r in c["requests"]]
    gaps = []
    for r in good:
        for s, e in zip(r["events"], r["events"][1:]):
            if not any(s <= p1 and e >= p0 for p0, p1 in prefills):
                gaps.append(e - s)
    out = sum(r["tokens"] for r in good)
    total = out + sum(r["prompt"] for r in good)
    i, o, n = c["input"], c["output"], c["parallel"]
    rows_a.append([float(i), float(o), n] + [round(float(v), 4) for v in
                  [out / wall] + [stat(s, x) for x in (ttft, gaps) for s in ("TP90", "TP99", "MAX", "AVG")]])
    sec = lambda names, x: [round(float(stat(s, x)) / 1000, 3) for s in names]
    failed = (len(c["requests"]) - len(good)) / len(c["requests"])
    rows_b.append([i, o, n, round(total / wall, 2), round(out / wall, 2)] + sec(SIX, ttft) + sec(SIX, tpot)
                  + sec(["TP90", "TP95", "TP99", "MAX", "AVG"], tpot_sec) + sec(["TP90", "TP95", "TP99", "MIN", "MAX", "AVG"], second)
                  + sec(SIX, e2e) + [round(wall, 3), round(len(good) / wall, 2), round(failed, 4) if failed else 0, "openai-chat", 0, 5, 0.8])

    # The test says that half of the tokens of each answer, rounded down, are reasoning.
    made = [r["tokens"] for r in good]
    thought = [r["tokens"] // 2 for r in good]
    content = [r["tokens"] - r["tokens"] // 2 for r in good]
    two = lambda x: round(float(x), 2)
    rows_c.append(rows_b[-1][:-3] + [0.6, -1, 1, "queue", 3, 2, 2 * n, "service"]
                  + [two(stat(s, made)) for s in ("TP90", "TP95", "TP99", "MIN", "AVG")]
                  + [two(np.mean(thought)), two(np.mean(content)), two(np.mean([r["prompt"] for r in good]))] + [""] * 24)

rows_a.sort()
rows_b.sort()
for name, head, rows in (("6.3", P90_A, rows_a), ("6.5", HEAD_B, rows_b), ("climbing", HEAD_C, rows_c)):
    with open(os.path.join(here, f"golden-{name}.csv"), "w", encoding="utf-8-sig", newline="") as f:
        w = csv.writer(f)
        w.writerow(head)
        w.writerows(rows)
