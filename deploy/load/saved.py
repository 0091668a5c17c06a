"""The file that a run is kept in: written whole, read with every mistake named."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from deploy.errors import InventoryError
from deploy.load.run import Run


def read(path: Path) -> Run:
    """Return a run that was saved. Raises InventoryError, with every mistake of the file."""
    try:
        return Run.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        wrong = [
            f"  {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()
        ]
        said = "\n".join(wrong)
        raise InventoryError(f"{path} is no run that slipway bench saved:\n{said}") from None


def write(path: Path, text: str) -> None:
    """Write a document whole, or not at all. Raises InventoryError."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text)
        part.replace(path)
    except OSError as error:
        raise InventoryError(f"{path} cannot be written: {error.strerror}") from None
