#!/usr/bin/env python3
"""What the static benchmark's CSV must say of the event times in events.json, worked out
independently of weir, with numpy, by the formulas of docs/metrics.md. Writes golden-6.3.csv
and golden-6.5.csv. Only needed to make them anew: python3 golden.py"""
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


def stat(name, x):
    if name.startswith("TP"):
        return np.percentile(x, float(name[2:]))
    return {"MAX": np.max, "MIN": np.min, "AVG": np.mean}[name](x)


rows_a, rows_b = [], []
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

for name, head, rows in (("6.3", P90_A, rows_a), ("6.5", HEAD_B, rows_b)):
    with open(os.path.join(here, f"golden-{name}.csv"), "w", encoding="utf-8-sig", newline="") as f:
        w = csv.writer(f)
        w.writerow(head)
        w.writerows(sorted(rows))
