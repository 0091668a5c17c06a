"""Fetches a repository of the Hugging Face hub into $WORK, in an engine's image, which has the library."""

import os
import sys
from typing import NoReturn

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

REPOSITORY, REVISION = sys.argv[1:]
TOKEN = os.environ.get("HF_TOKEN") or None
FINAL = 65  # what another try does not mend
WITHOUT = "without a token; name one as models[].source.token"
WITH = "with this token; renew it, or accept the model's licence with its account"


def end(text: str) -> NoReturn:
    """End so that nobody tries again."""
    sys.stderr.write(f"{text}\n")
    sys.exit(FINAL)


def main() -> None:
    """Fetch, or end with what the operator can do."""
    try:
        # as vLLM, which leaves out the original format of weights (vllm/config/load.py, ignore_patterns)
        snapshot_download(
            REPOSITORY,
            revision=REVISION,
            local_dir=os.environ["WORK"],
            token=TOKEN,
            ignore_patterns=["original/**/*"],
        )
    except GatedRepoError:
        end(f"{REPOSITORY} is gated, and the hub does not give it {WITH if TOKEN else WITHOUT}")
    except RevisionNotFoundError:
        end(f"{REPOSITORY} has no commit {REVISION}")
    except RepositoryNotFoundError:
        end(f"the hub shows no repository {REPOSITORY} {WITH if TOKEN else WITHOUT}, or look at its name")


main()
