"""The command line, one file per verb.

gevent patches the standard library here, before a verb imports anything that opens a socket: unpatched,
pyinfra's timeouts do not fire and its connects queue.
"""

from gevent import monkey

monkey.patch_all()
