"""What one request met, and what its times mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A request that is over; seconds on one clock. `tokens` are the server's count, None when it gave none.

    `intended` is when the request should have been sent: waiting for a turn is part of its time.
    `pause` is the longest wait between two pieces of the answer.
    """

    intended: float
    sent: float
    end: float
    first: float | None = None
    last: float | None = None
    pause: float | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    fault: str = ""
    said: str = ""

    @property
    def good(self) -> bool:
        """Say whether the whole answer came."""
        return not self.fault

    @property
    def first_token(self) -> float | None:
        """Return how long the first token took."""
        return None if self.first is None else self.first - self.intended

    @property
    def inter_token(self) -> float | None:
        """Return the mean time from one token to the next.

        Pieces are no tokens: one piece may carry several, so this needs the server's count.
        """
        if self.first is None or self.last is None or self.tokens is None or self.tokens < 2:
            return None
        return (self.last - self.first) / (self.tokens - 1)

    @property
    def end_to_end(self) -> float:
        """Return how long the whole answer took."""
        return self.end - self.intended
