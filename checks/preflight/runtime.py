"""The container runtime that is there already, and what a planned step makes of it."""

from __future__ import annotations

from checks.finding import Severity
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed
from deploy import catalog

SCHEMA_OF = {1: 2, 2: 3}  # containerd's major -> its own schema; 2 still reads 2
OLD_PLUGIN = "io.containerd.grpc.v1.cri"
CDI_DIRECTORIES = frozenset({"/etc/cdi", "/var/run/cdi"})
K3S_TEMPLATE = "config-v3.toml.tmpl"
K3S_BASE = '{{ template "base" . }}'
OLD = (2, 0, 0)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def answers(case: Case) -> Said:
    """A containerd that is here answers, with its CRI plugin on."""
    if case.cluster.is_k3s:
        return skipped("k3s brings its own containerd")
    runtime = case.known(case.host.runtime, "runtime")
    if runtime.version is None:
        return skipped("containerd is not installed yet")
    wanted = "it answers, CRI on"
    if disabled := [plugin for plugin in runtime.disabled if plugin == "cri" or plugin.endswith(".cri")]:
        return failed(f"containerd {_dotted(runtime.version)} with {listed(disabled)} disabled", wanted)
    if runtime.answers is None:
        return failed(f"containerd {_dotted(runtime.version)} is not running", wanted)
    if not runtime.answers:
        return failed(f"containerd {_dotted(runtime.version)} does not answer", wanted)
    return passed(f"containerd {_dotted(runtime.version)} answers", wanted)


def schema(case: Case) -> Said:
    """A configuration that is here has the schema of the binary that reads it."""
    runtime = case.known(case.host.runtime, "runtime")
    if runtime.config is None:
        return skipped("there is no /etc/containerd/config.toml yet")
    if runtime.broken_config:
        return failed("/etc/containerd/config.toml is no TOML", "a configuration that can be read")
    if runtime.version is None:
        return skipped("there is a configuration, and no containerd yet")
    major = runtime.version[0]
    wanted = f"version {SCHEMA_OF.get(major, 3)} for containerd {_dotted(runtime.version)}"
    if runtime.schema < 2:
        return failed(f"version {runtime.schema}", wanted)
    if runtime.schema >= 3 and OLD_PLUGIN in runtime.plugins:
        return failed(f"version {runtime.schema} with settings under {OLD_PLUGIN}", wanted)
    if runtime.schema > SCHEMA_OF.get(major, 3):
        return failed(f"version {runtime.schema}", wanted)
    return passed(f"version {runtime.schema}", wanted)


def k3s_template(case: Case) -> Said:
    """k3s' containerd is customised in the template that it reads, and nowhere else."""
    runtime = case.known(case.host.runtime, "runtime")
    templates = {name: first for name, first in runtime.k3s_files.items() if name.endswith(".tmpl")}
    wanted = f"{K3S_TEMPLATE} that begins with {K3S_BASE}, or none"
    if not templates:
        return skipped("there is no template of k3s here")
    if K3S_TEMPLATE not in templates or len(templates) > 1:
        return failed(listed(sorted(templates)), wanted)
    if not templates[K3S_TEMPLATE].startswith(K3S_BASE):
        return failed(f"{K3S_TEMPLATE} begins with {templates[K3S_TEMPLATE][:40]!r}", wanted)
    return passed(K3S_TEMPLATE, wanted)


def cdi(case: Case) -> Said:
    """CDI is on, and its specifications lie where the runtime looks."""
    runtime = case.known(case.host.runtime, "runtime")
    wanted = f"on, in {' and '.join(sorted(CDI_DIRECTORIES))}"
    if runtime.version is None or runtime.config is None:
        return skipped("containerd is not configured yet")
    enabled = runtime.setting("enable_cdi")
    if enabled is False or (enabled is None and runtime.version < OLD):
        return failed(f"off in containerd {_dotted(runtime.version)}", wanted)
    directories = runtime.setting("cdi_spec_dirs")
    if isinstance(directories, list) and not {str(each) for each in directories} >= CDI_DIRECTORIES:
        return failed(f"in {listed(directories)} only", wanted)
    return passed("on", wanted)


def version(case: Case) -> Said:
    """What is installed, or will be, is containerd 2."""
    runtime = case.known(case.host.runtime, "runtime")
    planned = catalog.load().version("containerd")
    wanted = ">= 2.0"
    if runtime.version is None:
        if case.cluster.is_k3s:
            return skipped("k3s brings its own")
        if case.phase is not case.phase.PREFLIGHT:
            return failed("containerd is not installed", wanted, severity=Severity.ERROR)
        return passed(f"{planned.removeprefix('v')} will be installed", wanted)
    if runtime.version < OLD:
        severity = Severity.ERROR if case.phase is not case.phase.PREFLIGHT else None
        return failed(_dotted(runtime.version), wanted, severity=severity)
    return passed(_dotted(runtime.version), wanted)


JUDGES: dict[str, HostJudge] = {
    "RT-01": answers,
    "RT-03": schema,
    "RT-04": k3s_template,
    "RT-06": cdi,
    "RT-07": version,
}
