#!/usr/bin/env python3
"""Ends with 0 when the server answers 200 on /health. usage: healthy.py PORT"""
import sys
import urllib.request

try:
    with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health", timeout=2) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except OSError as e:
    sys.exit(f"healthy: {e}")
