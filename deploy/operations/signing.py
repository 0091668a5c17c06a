"""A certificate made on a control plane and put into a Secret: its key is never anywhere else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from deploy.model.labels import OWNED
from deploy.observe import kube
from deploy.observe.authority import AUTHORITIES, AUTHORITY
from deploy.observe.secrets import Where

DAYS = 825  # the most that clients of all kinds accept (support.apple.com/103769)
LONGEST = 64  # characters of a common name (RFC 5280, ub-common-name)
APPLY = f"kubectl apply --server-side --field-manager={kube.FIELD_MANAGER} --force-conflicts -f - >/dev/null"
NO_AUTHORITY = (
    "the cluster's CA has no key on this control plane"
    f" ({', '.join(f'{path}.key' for path in AUTHORITIES)}), so nothing can be signed with it;"
    " use certificates: {provider: cert-manager}"
)


def script(target: Where, names: Sequence[str], addresses: Sequence[str]) -> str:
    """Return what makes a key, has the cluster's CA sign it for servers only, and applies the Secret."""
    request = (
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        f' -subj {shlex.quote(f"/CN={names[0][:LONGEST]}")} -keyout "$work/key" -out "$work/request"'
    )
    sign = (
        'openssl x509 -req -in "$work/request" -CA "$ca.crt" -CAkey "$ca.key" -sha256'
        f' -set_serial "0x$(openssl rand -hex 16)" -days {DAYS} -extfile "$work/extensions"'
        ' -out "$work/crt"'
    )
    values = " ".join(f'"$(base64 -w0 < "{path}")"' for path in ("$work/crt", "$work/key", "$ca.crt"))
    return "\n".join(
        [
            "set -e; umask 077",
            kube.ENVIRONMENT,
            f'{AUTHORITY}; [ -n "$ca" ] || {{ echo {shlex.quote(NO_AUTHORITY)} >&2; exit 1; }}',
            "mkdir -p /run/slipway; work=$(mktemp -d /run/slipway/sign.XXXXXX)",
            'trap \'rm -f "$work"/*; rmdir "$work"\' EXIT',
            f'printf %s {shlex.quote(extensions(names, addresses))} > "$work/extensions"',
            *(f'{each} 2>"$work/said" || {{ cat "$work/said" >&2; exit 1; }}' for each in (request, sign)),
            f"printf {shlex.quote(_secret(target))} {values} | {APPLY}",
        ]
    )


def extensions(names: Sequence[str], addresses: Sequence[str]) -> str:
    """Return openssl's file of what the certificate is for."""
    subjects = [*(f"DNS:{name}" for name in names), *(f"IP:{address}" for address in addresses)]
    return "\n".join(
        [
            f"subjectAltName={','.join(subjects)}",
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
            "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid,issuer",
            "",
        ]
    )


def _secret(target: Where) -> str:
    """Return the Secret as a format of printf's: certificate, key and CA come in."""
    wish = {
        **target.stub(),
        "metadata": {**target.stub()["metadata"], "labels": OWNED},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": "%s", "tls.key": "%s", "ca.crt": "%s"},
    }
    return json.dumps(wish)
