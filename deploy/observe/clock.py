"""What time a host believes it is, and whether somebody keeps its clock."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, pairs

# timedatectl would start a service on the host to answer, so the keepers are asked themselves
COMMAND = """
echo "now=$(date +%s.%N)"
for p in /proc/[0-9]*; do
  c=; read -r c < "$p/comm" || continue
  case $c in chronyd|ntpd|openntpd|systemd-timesyn|ptp4l|phc2sys) echo "keeper=$c" ;; esac
done
[ -e /run/systemd/timesync/synchronized ] && echo synchronised=yes
command -v chronyc >/dev/null && case $(chronyc -n tracking) in
  *"Leap status     : Normal"*) echo synchronised=yes ;;
  *"Leap status"*) echo synchronised=no ;;
esac
:
"""


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` is in seconds since 1970; `synchronised` is None where nobody says."""

    now: float
    synchronised: bool | None
    keeper: str | None


def parse(text: str) -> Clock:
    """Read the pairs; busybox' date knows no nanoseconds, then whole seconds count."""
    found = pairs(text)
    seconds, _, fraction = found.get("now", "").partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        raise UnreadableError("the host said no time")
    known = found.get("synchronised")
    return Clock(
        now=float(f"{seconds}.{fraction[:9] if fraction.isascii() and fraction.isdigit() else 0}"),
        synchronised=None if known not in ("yes", "no") else known == "yes",
        keeper=found.get("keeper"),
    )
