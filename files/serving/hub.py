"""Fetches a repository of the Hugging Face hub into $WORK; runs in the engine's image, which has its library."""

import os
import sys

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

REPOSITORY, REVISION = sys.argv[1:]
TOKEN = os.environ.get("HF_TOKEN") or None
WITHOUT = "without a token; name one as models[].source.token"
WITH = "with this token; renew it, or accept the model's licence with its account"


def main() -> None:
    """Fetch, or end with what the operator can do."""
    try:
        # as vLLM itself, which leaves out the original format of weights (vllm/config/load.py, ignore_patterns)
        snapshot_download(
            REPOSITORY,
            revision=REVISION,
            local_dir=os.environ["WORK"],
            token=TOKEN,
            ignore_patterns=["original/**/*"],
        )
    except GatedRepoError:
        sys.exit(f"{REPOSITORY} is gated, and the hub does not give it {WITH if TOKEN else WITHOUT}")
    except RevisionNotFoundError:
        sys.exit(f"{REPOSITORY} has no commit {REVISION}")
    except RepositoryNotFoundError:
        sys.exit(f"the hub shows no repository {REPOSITORY} {WITH if TOKEN else WITHOUT}, or look at its name")


main()
