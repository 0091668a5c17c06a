"""A log file per run, for its owner only; a command's standard input never gets into it."""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from typing_extensions import override

from deploy.engine.link import Ran
from deploy.engine.masking import masked
from deploy.model import paths

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
KEPT = 50  # runs per cluster
LOGGER = logging.getLogger("slipway")
FOREIGN = ("pyinfra", "paramiko")
# without a handler Python writes its warnings to the terminal; paramiko has one by its link
logging.getLogger("pyinfra").addHandler(logging.NullHandler())


class _File(logging.FileHandler):
    """A file that goes on when there is room again; that there was none is said once."""

    full = False

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or error.errno not in NO_ROOM:
            super().handleError(record)
        elif not self.full:
            self.full = True
            _say(self.baseFilename, error)


class _Masking(logging.Formatter):
    @override
    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


@contextmanager
def open_log(cluster: str, verb: str) -> Generator[Path, None, None]:
    """Write what is logged meanwhile to a new file under the cluster's logs, and yield its path.

    A full disk keeps no run from its work: then the file holds less, or is not there.
    """
    directory = paths.logs(cluster)
    path = directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{verb}-{os.getpid()}.log"
    handler = _opened(path)
    handler.setFormatter(_Masking("%(asctime)s.%(msecs)03d %(levelname).1s %(message)s", "%H:%M:%S"))
    loggers = [LOGGER, *map(logging.getLogger, FOREIGN)]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield path
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        with suppress(OSError):  # what there was no room for
            handler.close()
        _forget_old(directory)


def _opened(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _say(str(path), error)
        return logging.NullHandler()
    return _File(path)


def _say(path: str, error: OSError) -> None:
    sys.stderr.write(f"{path} could not be written: {error.strerror}; the run goes on without it\n")


def command_ran(host: str, command: str, ran: Ran) -> None:
    """Log a command and how it ended; its output only when it failed, as output may hold secrets."""
    LOGGER.info("[%s] %.3fs rc=%d %s", host, ran.seconds, ran.rc, command)
    if not ran.ok and ran.err:
        LOGGER.info("[%s] said: %s", host, ran.err.strip())


def _forget_old(directory: Path) -> None:
    for path in sorted(directory.glob("*.log"))[:-KEPT]:
        path.unlink(missing_ok=True)
