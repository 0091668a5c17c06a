"""Load on an OpenAI-compatible endpoint, and what it measures: pure statistics around one small client.

Why this is ours, and no dependency (looked at with Python 3.11 in November 2026, sizes as pip resolves them):

- guidellm 0.8.1 (Apache-2.0): 97 packages, torch, transformers, datasets and pandas among them. Its latencies
  began at the real send, not at the intended one, in August 2026 (vllm-project/guidellm#1048).
- aiperf 0.13.0 (Apache-2.0), NVIDIA's heir of genai-perf: 139 packages, ZeroMQ services, Flask and Dash among
  them; asks a hub for the model's tokenizer unless told of a local one; Python below 3.14.
- `vllm bench serve`: part of vLLM, gigabytes with torch; wants the model's tokenizer on the controller.
- locust 2.47.0 (MIT): 38 packages, gevent as here; knows of no stream, no token and no percentile of either.

What slipway needs is one POST, an event stream and a clock: `http.client` under gevent, which the command
line runs on anyway, costs no package, works without internet, and needs no tokenizer: the server counts.
"""
