"""Counts of what the server did, as Prometheus reads them (text format 0.0.4)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class _Histogram:
    def __init__(self) -> None:
        self.counts = [0] * len(_BUCKETS)
        self.total = 0
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.total += 1
        self.sum += seconds
        for number, bound in enumerate(_BUCKETS):
            self.counts[number] += seconds <= bound

    def lines(self, name: str, labels: str) -> list[str]:
        found = [f'{name}_bucket{{{labels},le="{bound:g}"}} {count}'
                 for bound, count in zip(_BUCKETS, self.counts, strict=True)]
        return [*found, f'{name}_bucket{{{labels},le="+Inf"}} {self.total}', f"{name}_sum{{{labels}}} {self.sum:.6f}",
                f"{name}_count{{{labels}}} {self.total}"]


class Metrics:
    """Counters and gauges. Safe to use from several threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._jobs: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, _Histogram] = {}
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add something that is measured when it is asked for."""
        self._gauges.append((name, text, value))

    def answered(self, method: str, route: str, status: int) -> None:
        """Count an answer. `route` is one of the few that there are, never a path that a client chose."""
        with self._turn:
            self._answers[method, route, status] += 1

    def ended(self, slug: str, state: str, seconds: float) -> None:
        """Count a request that ended."""
        with self._turn:
            self._jobs[slug, state] += 1
            self._seconds.setdefault(slug, _Histogram()).add(seconds)

    def text(self) -> str:
        """All of them."""
        lines: list[str] = []
        for name, text, value in self._gauges:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge", f"{name} {value():g}"]
        with self._turn:
            lines += ["# HELP faceswap_http_answers_total Answers by route and status.",
                      "# TYPE faceswap_http_answers_total counter"]
            lines += [f'faceswap_http_answers_total{{method="{method}",route="{route}",status="{status}"}} {count}'
                      for (method, route, status), count in sorted(self._answers.items())]
            lines += ["# HELP faceswap_jobs_total Requests that ended.", "# TYPE faceswap_jobs_total counter"]
            lines += [f'faceswap_jobs_total{{model="{slug}",state="{state}"}} {count}'
                      for (slug, state), count in sorted(self._jobs.items())]
            lines += ["# HELP faceswap_inference_seconds Seconds of computing.",
                      "# TYPE faceswap_inference_seconds histogram"]
            for slug, histogram in sorted(self._seconds.items()):
                lines += histogram.lines("faceswap_inference_seconds", f'model="{slug}"')
        return "\n".join(lines) + "\n"
