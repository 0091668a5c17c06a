"""Fetches a repository of the Hugging Face hub into $WORK, in an engine's image, which has the library."""

import os
import sys
from typing import NoReturn

from huggingface_hub import model_info, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

REPOSITORY, REVISION, *INCLUDE = sys.argv[1:]
TOKEN = os.environ.get("HF_TOKEN") or None
FINAL = 65  # what another try does not mend
# the same weights once more, in formats and folders that vLLM does not read; its own original/**/* leaves
# none of them out (vllm/config/load.py, ignore_patterns; Python's fnmatch)
OTHERS = ["original/*", "metal/*", "onnx/*", "*.onnx", "*.h5", "*.msgpack", "*.ot"]
# nor these, where *.safetensors come first (vllm model_loader/default_loader.py, _prepare_weights)
BESIDE_SAFETENSORS = ["pytorch_model*.bin", "*.pth", "*.gguf"]
WITHOUT = "without a token; name one as models[].source.token"
WITH = "with this token; renew it, or accept the model's licence with its account"


def end(text: str) -> NoReturn:
    """End so that nobody tries again."""
    sys.stderr.write(f"{text}\n")
    sys.exit(FINAL)


def main() -> None:
    """Fetch, or end with what the operator can do."""
    try:
        # before a download, which in older libraries takes what has come for all when no hub answers, and by
        # what a download asks itself (_snapshot_download.py), since a mirror may answer nothing else
        files = model_info(REPOSITORY, revision=REVISION, token=TOKEN).siblings or ()
        names = [each.rfilename for each in files]
        safe = any(name.endswith(".safetensors") and "/" not in name for name in names)
        ignored = OTHERS + (BESIDE_SAFETENSORS if safe else [])
        snapshot_download(
            REPOSITORY,
            revision=REVISION,
            local_dir=os.environ["WORK"],
            token=TOKEN,
            allow_patterns=INCLUDE or None,
            ignore_patterns=None if INCLUDE else ignored,
        )
    except GatedRepoError:
        end(f"{REPOSITORY} is gated, and the hub does not give it {WITH if TOKEN else WITHOUT}")
    except RevisionNotFoundError:
        end(f"{REPOSITORY} has no commit {REVISION}")
    except RepositoryNotFoundError:
        end(f"the hub shows no repository {REPOSITORY} {WITH if TOKEN else WITHOUT}, or look at its name")


main()
