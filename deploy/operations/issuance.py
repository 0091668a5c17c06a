"""Certificates of cert-manager's that were signed by a CA which their issuer no longer has."""

from __future__ import annotations

import shlex

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.secrets import Digested
from deploy.observe import kube
from deploy.observe.secrets import Secrets, Where
from deploy.operations import notes
from deploy.operations.kube import Commands, asked

CA = "ca.crt"
ISSUED_BY = "cert-manager.io/issuer-name"
SECONDS = 180


@operation()
def present(target: Where, authority: Where) -> Commands:
    """The certificate in `target` is of the CA that is in `authority` now.

    Another CA in its issuer's Secret is no reason for cert-manager to sign anew (cert-manager.io/docs/faq,
    When do certs get re-issued); a certificate that says it is of another issuer is.
    """
    found: Secrets = host.get_fact(Digested, wanted=[target, authority])
    if not asked(kube.Objects(found.reach, errors=found.errors)):
        return
    there, own = found.found.get(target), found.found.get(authority)
    if there is None or own is None or there.digests.get(CA) == own.digests.get(CA):
        return
    notes.reason(f"{target} is signed by another CA than that in {authority}")
    yield StringCommand(_anew(target, authority))


def _anew(target: Where, authority: Where) -> str:
    """Return what has a certificate made anew, and waits until it is of this CA."""
    forget = ["kubectl", "annotate", "secret", target.name, f"--namespace={target.namespace}", "--overwrite"]
    look = "kubectl -n cert-manager logs deployment/cert-manager"
    late = f"{target} was not signed anew within {SECONDS} s; look at: {look}"
    return "\n".join(
        [
            kube.ENVIRONMENT,
            f"{shlex.join([*forget, f'{ISSUED_BY}=none'])} >/dev/null || exit 1",
            f"end=$(( $(date +%s) + {SECONDS} ))",
            f'until ca=$({_ca(authority)}) && [ -n "$ca" ] && [ "$ca" = "$({_ca(target)})" ]; do',
            f'  [ "$(date +%s)" -lt "$end" ] || {{ echo {shlex.quote(late)} >&2; exit 1; }}',
            "  sleep 1",
            "done",
        ]
    )


def _ca(where: Where) -> str:
    """Return what prints the CA that a Secret holds."""
    words = ["kubectl", "get", "secret", where.name, f"--namespace={where.namespace}"]
    return shlex.join([*words, "-o", f'go-template={{{{index .data "{CA}"}}}}'])
