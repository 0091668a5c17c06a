"""Certificates of a CA that their issuer no longer has: in a Secret, and in the pod that serves with them."""

from __future__ import annotations

import shlex

from cryptography import x509
from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploy.facts.inside import Inside
from deploy.facts.secrets import Certificate, Digested
from deploy.model.row import Disturbs
from deploy.observe import kube
from deploy.observe.authority import signed
from deploy.observe.inside import Look, Seen
from deploy.observe.secrets import Secrets, Where
from deploy.operations import notes
from deploy.operations.kube import Commands, asked

CA = "ca.crt"
LINES = "|"  # between the lines of a certificate that is shown as one
# of a shell alone, for images that have nothing else
SHOWN = (
    f'text=; while IFS= read -r line; do text="$text$line{LINES}"; done < {{path}}; echo "$text"; echo end'
)
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


@operation()
def served(workload: str, look: Look, authority: Where) -> Commands:
    """The pod has a certificate that the CA in `authority` signed; one with another begins anew.

    `look` shows it (`shown`). A kubelet brings a pod what has changed in a Secret within minutes, and until
    then nobody gets to it who trusts the present CA alone. A pod that shows nothing is left alone.
    """
    found = host.get_fact(Certificate, where=authority)
    if not asked(kube.Objects(found.reach, errors=found.errors)) or found.certificate is None:
        return
    held = shown_in(host.get_fact(Inside, look=look))
    if held is None or signed(held, found.certificate):
        return
    notes.reason(f"Pod {look.namespace}/{look.pod} has a certificate of another CA than that in {authority}")
    notes.disturbs(Disturbs.PODS)
    restart = shlex.join(["kubectl", "rollout", "restart", f"--namespace={look.namespace}", workload])
    yield StringCommand(f"{kube.ENVIRONMENT}; {restart} >/dev/null")


def shown(path: str) -> str:
    """Return the script of a look at a certificate."""
    return SHOWN.format(path=shlex.quote(path))


def shown_in(seen: Seen) -> x509.Certificate | None:
    """Return the certificate that was seen, if there was one."""
    text = "".join(seen.names or ()).replace(LINES, "\n")
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        return None


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
