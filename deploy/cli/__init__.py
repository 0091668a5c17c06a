"""The command line, one file per verb.

gevent patches the standard library here, before a verb imports anything that opens a socket: unpatched,
pyinfra's timeouts do not fire and its connects queue.
"""

import gc
import sys

from gevent import events, get_hub, monkey

gc.set_threshold(200_000, 20, 20)  # a run makes few cycles, and many objects only to be looked through
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # paramiko loads it, slowly, for nothing here
# of each thing that it patches gevent tells plugins, for which it looks into all installed packages each time
events.notify_and_call_entry_points = events.notify  # type: ignore[attr-defined]
monkey.patch_all()
# Whoever starts a greenlet joins it and gets its exception; gevent need not print a traceback besides.
get_hub().NOT_ERROR = (*get_hub().NOT_ERROR, Exception, KeyboardInterrupt)
