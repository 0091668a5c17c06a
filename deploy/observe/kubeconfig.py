"""A kubeconfig taken apart by a shell: where its API is, and the three that curl needs to ask it."""

from __future__ import annotations

from deploy.observe.kube import NO_CLUSTER

# The words of a kubeconfig, in block or in flow style; of each key the first value counts. Only cat, base64
# and curl are processes: there are a dozen of these reads in every plan.
_WHO = """
[ -s {config} ] || {{ echo '{none}'; exit 0; }}
server= ca= ca_data= cert= cert_data= key= key_data= last=
set -f; IFS=" ,{{}}\\"'
"
for word in $(cat -- {config}); do
  case $last in
    server:) server=${{server:-$word}} ;;
    certificate-authority:) ca=${{ca:-$word}} ;;
    certificate-authority-data:) ca_data=${{ca_data:-$word}} ;;
    client-certificate:) cert=${{cert:-$word}} ;;
    client-certificate-data:) cert_data=${{cert_data:-$word}} ;;
    client-key:) key=${{key:-$word}} ;;
    client-key-data:) key_data=${{key_data:-$word}} ;;
  esac
  last=$word
done
set +f; unset IFS
"""
_PEM = """
{name}=$(if [ -n "${name}_data" ]; then exec base64 -d; else exec cat -- "${name}"; fi <<DATA
${name}_data
DATA
)
"""


def command(config: str) -> str:
    """Return what sets $server, $ca, $cert and $key; where there is no file it says so and ends the shell."""
    pems = (_PEM.format(name=name) for name in ("ca", "cert", "key"))
    return "".join([_WHO.format(config=config, none=NO_CLUSTER), *pems])
