"""What is asked: prompts that no cache has seen, and how long the answers shall be."""

from __future__ import annotations

import json
from random import Random

from pydantic import BaseModel, ConfigDict

from deploy.load.target import Api

WORDS = (
    "river",
    "stone",
    "market",
    "window",
    "garden",
    "letter",
    "winter",
    "bridge",
    "copper",
    "island",
    "shadow",
    "meadow",
    "candle",
    "forest",
    "signal",
    "village",
    "paper",
    "silver",
    "orchard",
    "compass",
)


class Workload(BaseModel):
    """The requests of a run; two runs are comparable when theirs are equal.

    `whole` asks vLLM to go on to the last token wanted, so that all answers are of one length: `ignore_eos`,
    one of the extra parameters of its OpenAI-compatible server.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    api: Api = Api.CHAT
    prompt_words: int = 32
    output_tokens: int = 64
    whole: bool = True

    def body(self, model: str, mark: str, number: int) -> bytes:
        """Return a request; `mark` is the run's own word, which with the number makes the prompt a new one.

        vLLM keeps the beginnings of prompts that it has seen: a prompt asked twice is answered faster.
        """
        prompt = self.prompt(mark, number)
        asked = (
            {"messages": [{"role": "user", "content": prompt}]}
            if self.api is Api.CHAT
            else {"prompt": prompt}
        )
        return json.dumps(
            {
                "model": model,
                **asked,
                "max_tokens": self.output_tokens,
                "temperature": 0,
                "stream": True,
                "stream_options": {"include_usage": True},
                **({"ignore_eos": True} if self.whole else {}),
            }
        ).encode()

    def prompt(self, mark: str, number: int) -> str:
        """Return the text of a request, its own from the first word on."""
        choose = Random(f"{mark}-{number}")  # noqa: S311 - no secret, a text
        return " ".join([f"{mark}-{number}", *choose.choices(WORDS, k=self.prompt_words - 1)])

    def said(self) -> str:
        """Return what is asked, for people."""
        length = "" if self.whole else "up to "
        return f"prompts of {self.prompt_words} words, answers of {length}{self.output_tokens} tokens"
