#!/usr/bin/env python3
"""Works out, by formulas of textbooks and without weir, the intervals that
TestIntervals of interval_test.go expects. Standard library only.

Data: the linear congruential generator x' = 1103515245 x + 12345 (mod 2^31), one series a
seed; uniform u = x / 2^31. A latency is 100 (0.6 + sum of 4 uniforms / 5) ms.
"""
import math
from statistics import NormalDist, mean, stdev


def uniforms(seed, n):
    x, out = seed, []
    for _ in range(n):
        x = (1103515245 * x + 12345) % 2**31
        out.append(x / 2**31)
    return out


def latencies(seed, n):
    u = uniforms(seed, 4 * n)
    return [100 * (0.6 + sum(u[4 * i:4 * i + 4]) / 5) for i in range(n)]


def student(p, df):
    """Quantile by bisection over the integral of the density (Simpson)."""
    c = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    def cdf(t, n=2000):
        h = t / n
        f = lambda x: c * (1 + x * x / df) ** (-(df + 1) / 2)
        return 0.5 + h / 3 * (f(0) + f(t) + sum((4 if i % 2 else 2) * f(i * h) for i in range(1, n)))
    lo, hi = 0.0, 100.0
    for _ in range(80):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if cdf(mid) < p else (lo, mid)
    return lo


def show(name, d, half, logs=True):
    f = (lambda v: math.exp(v) - 1) if logs else (lambda v: v)
    print(f"{name:24} {f(d):+.5f} {f(d - half):+.5f} {f(d + half):+.5f}")


# Ratio of two means: delta method for the logarithm, Welch's degrees of freedom.
a, b = latencies(1, 500), [1.05 * x for x in latencies(2, 400)]
va, vb = (stdev(a) / mean(a)) ** 2 / 500, (stdev(b) / mean(b)) ** 2 / 400
df = (va + vb) ** 2 / (va**2 / 499 + vb**2 / 399)
show("mean", math.log(mean(b) / mean(a)), student(0.975, df) * math.sqrt(va + vb))


# Ratio of two medians: the interval of each from order statistics (binomial, normal
# approximation), half of its width on the log scale over z as its standard error.
def median(x):
    x = sorted(x)
    h = (len(x) - 1) / 2
    return (x[math.floor(h)] + x[math.ceil(h)]) / 2


def median_se(x):
    x, n, z = sorted(x), len(x), NormalDist().inv_cdf(0.975)
    low, high = n / 2 - z * math.sqrt(n) / 2, n / 2 + z * math.sqrt(n) / 2
    at = lambda h: x[math.floor(h)] + (h - math.floor(h)) * (x[math.floor(h) + 1] - x[math.floor(h)])
    return (math.log(at(high - 0.5)) - math.log(at(low - 0.5))) / (2 * z)


show("median", math.log(median(b) / median(a)), NormalDist().inv_cdf(0.975) * math.hypot(median_se(a), median_se(b)))

# Difference of two shares, 30 of 500 and 56 of 400: Agresti and Caffo's variance about
# the observed difference.
p, q = 30 / 500, 56 / 400
half = NormalDist().inv_cdf(0.975) * math.sqrt(31 / 502 * (1 - 31 / 502) / 502 + 57 / 402 * (1 - 57 / 402) / 402)
show("share", q - p, half, logs=False)

# Means of an autoregressive series, x = 100 + 10 e with e' = 0.7 e + (u − 1/2): the
# variance of the mean is that of independent samples times (1 + rho) / (1 − rho).
def autoregressive(seed, n):
    e, out = 0.0, []
    for u in uniforms(seed, n):
        e = 0.7 * e + (u - 0.5)
        out.append(100 + 10 * e)
    return out


a, b = autoregressive(3, 4000), autoregressive(4, 4000)
inflate = (1 + 0.7) / (1 - 0.7)
va, vb = (stdev(a) / mean(a)) ** 2 / 4000 * inflate, (stdev(b) / mean(b)) ** 2 / 4000 * inflate
show("autoregressive mean", math.log(mean(b) / mean(a)), NormalDist().inv_cdf(0.975) * math.sqrt(va + vb))

# Five runs a side, each with a level of its own: Welch's t on the logarithms of the means
# of runs with the two variances pooled.
levels = [[1.00, 1.08, 0.95, 1.03, 0.94], [1.20, 1.11, 1.17, 1.25, 1.12]]
sides = [[math.log(mean([f * x for x in latencies(10 * s + i, 200)])) for i, f in enumerate(side)] for s, side in enumerate(levels, 1)]
pooled = math.sqrt((stdev(sides[0]) ** 2 + stdev(sides[1]) ** 2) / 2)
means = [sum(f * x for i, f in enumerate(side) for x in latencies(10 * s + i, 200)) / 1000 for s, side in enumerate(levels, 1)]
show("five runs", math.log(means[1] / means[0]), student(0.975, 8) * pooled * math.sqrt(2 / 5))
