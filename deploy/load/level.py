"""One level of load: what it is called, and what the requests of it add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from deploy.load.percentiles import Percentiles, spread
from deploy.load.sample import Sample


class Load(BaseModel):
    """So many clients, each with its next request when the last is answered; or so many arrivals a second."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clients: int | None = None
    rate: float | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        if self.rate is not None:
            return f"{self.rate:g}/s"
        return "1 client" if self.clients == 1 else f"{self.clients} clients"


class Level(BaseModel):
    """What a load met. A count of tokens is None when one server's answer did not give it: unknown, not none.

    `failed` counts by kind, `said` holds the first text of each kind. `seconds` are from the first intended
    start to the last end. `late` is how far this machine's own clockwork ran behind (its 99th percentile).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    load: Load
    seconds: float
    answered: int
    failed: dict[str, int]
    said: dict[str, str]
    prompt_tokens: float | None
    output_tokens: int | None
    output_tokens_per_second: float | None
    requests_per_second: float
    first_token: Percentiles | None
    inter_token: Percentiles | None
    end_to_end: Percentiles | None
    longest_pause: Percentiles | None
    late: float

    @property
    def errors(self) -> int:
        """How many requests failed."""
        return sum(self.failed.values())


def summed(load: Load, samples: Sequence[Sample], start: float, late: float) -> Level:
    """Return what the samples of a level add up to; `start` is when its first request was due."""
    good = [each for each in samples if each.good]
    seconds = max((each.end for each in samples), default=start) - start
    tokens = _total([each.tokens for each in good])
    prompts = _total([each.prompt_tokens for each in good])
    return Level(
        load=load,
        seconds=round(seconds, 3),
        answered=len(good),
        failed=dict(Counter(each.fault for each in samples if not each.good).most_common()),
        said={each.fault: each.said for each in reversed(samples) if not each.good},
        prompt_tokens=None if prompts is None else round(prompts / len(good), 1),
        output_tokens=tokens,
        output_tokens_per_second=None if tokens is None else _per(tokens, seconds),
        requests_per_second=_per(len(good), seconds),
        first_token=spread(each.first_token for each in good),
        inter_token=spread(each.inter_token for each in good),
        end_to_end=spread(each.end_to_end for each in good),
        longest_pause=spread(each.pause for each in good),
        late=round(late, 4),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _per(count: int, seconds: float) -> float:
    return round(count / seconds, 3) if seconds > 0 else 0.0
