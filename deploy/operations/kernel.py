"""Kernel modules and parameters: now, and after the next boot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts import kernel
from deploy.facts.packages import PackageVersions
from deploy.observe import modules, sysctl
from deploy.operations import files, notes
from deploy.operations.files import Commands, File

_INITRAMFS = "! command -v update-initramfs >/dev/null || update-initramfs -u"
HEADER = "# Written by slipway; the inventory says what belongs here.\n"


def _modules(names: Sequence[str], packages: Sequence[str]) -> modules.Modules:
    found: modules.Modules | None = host.get_fact(kernel.KernelModules, modules_wanted=list(names))
    if found is None:
        raise HostError("could not read what the kernel can do: `uname -r` said nothing")
    missing = [
        name
        for name in names
        if found.presence.get(name, modules.Presence.MISSING) is modules.Presence.MISSING
    ]
    if missing and not _to_come(packages):
        raise HostError(_without(found, ", ".join(missing), packages))
    return found


def _without(found: modules.Modules, missing: str, packages: Sequence[str]) -> str:
    """Say what the kernel lacks, and where it is to come from."""
    if packages and not found.monolithic:
        return (
            f"kernel {found.kernel} has no {missing}, though {', '.join(packages)} is installed;"
            f" `dkms status` says what was built for which kernel: install linux-headers-{found.kernel},"
            " then run `dkms autoinstall`"
        )
    can = "has no loadable modules" if found.monolithic else "has no such module to load"
    return (
        f"kernel {found.kernel} lacks {missing} and {can}; "
        "install the kernel's extra modules (linux-modules-extra, kernel-modules-extra) or another kernel"
    )


def _to_come(packages: Sequence[str]) -> bool:
    """Say whether a package is yet to be installed."""
    found = host.get_fact(PackageVersions, packages_wanted=list(packages)) if packages else None
    return found is not None and any(name not in found.installed for name in packages)


@operation()
def modules_loaded(names: Sequence[str], path: str, packages: Sequence[str] = ()) -> Commands:
    """The kernel does what these modules do, now and, by the file at `path`, after a boot.

    They may come with `packages`: a kernel without them is an error once these are installed.
    """
    found = _modules(names, packages)
    yield from files.present._inner([File(path, (HEADER + "".join(f"{name}\n" for name in names)).encode())])
    for name in names:
        if found.presence.get(name) is not modules.Presence.WORKS:
            notes.reason(f"module {name} is not loaded")
            yield StringCommand("modprobe --", QuoteString(name))


@operation()
def made_way(old: str, new: str) -> Commands:
    """The module `old` has left its devices to `new`; until a reboot takes it away, that is an error.

    It is not unloaded: a console may hang on it.
    """
    found: modules.Modules | None = host.get_fact(kernel.KernelModules, modules_wanted=[old, new])
    if found is None:
        raise HostError("could not read what the kernel can do: `uname -r` said nothing")
    works = modules.Presence.WORKS
    if found.presence.get(old) is works and found.presence.get(new) is not works:
        waits = f"{old} is loaded and keeps the cards from {new} until a reboot"
        notes.reason(waits)
        text = QuoteString(f"{waits}: run the same command with --reboot")
        yield StringCommand("{ echo", text, ">&2; exit 1; }")


@operation()
def modprobe_configured(file: File) -> Commands:
    """A file of modprobe.d holds from the next boot on, in the initial ram disk, too.

    A disk that could not be made takes the file with it, so that the next run tries again.
    """
    written = list(files.present._inner([file]))
    yield from written
    if written:
        yield StringCommand(f"{_INITRAMFS} || {{ rm -f --", QuoteString(file.path), "; false; }")


def _number(value: str) -> int:
    return int(value) if value.removeprefix("-").isdigit() else 0


def raised(found: sysctl.Sysctls, at_least: Mapping[str, int], path: str) -> dict[str, str]:
    """Return the values for keys that are raised and never lowered: no file's and no live value shrinks."""
    return {
        key: str(max([least, *(_number(item.value) for item in found.others(key, path))]))
        for key, least in at_least.items()
    }


def _wrong(found: sysctl.Sysctls, wanted: Mapping[str, str], at_least: Mapping[str, int]) -> dict[str, str]:
    """Return the keys whose live value has to be set."""
    return {
        key: value
        for key, value in wanted.items()
        if key not in found.live
        or (
            _number(found.live[key].value) < at_least[key]
            if key in at_least
            else found.live[key].value != value
        )
    }


def _refuse(found: sysctl.Sysctls, wanted: Mapping[str, str], wrong: Mapping[str, str], path: str) -> None:
    errors = [
        f"{key} is {found.live[key].value}, wanted {value}, and /proc/sys is read-only on this host; "
        "set it on the machine that the host shares its kernel with"
        for key, value in wrong.items()
        if key in found.live and not found.live[key].writable
    ]
    errors += [
        f"{later.path} sets {key} = {later.value} at boot, after {path} has set {value}; "
        "remove that line, or declare the value under host.sysctls"
        for key, value in wanted.items()
        if (later := found.overriding(key, path)) is not None and later.value != value
    ]
    if errors:
        raise HostError("\n".join(errors))


def _set(key: str, value: str) -> StringCommand:
    failed = QuoteString(f"{key} could not be set to {value}")
    return StringCommand(
        *("printf %s", QuoteString(value), ">", QuoteString(sysctl.proc_path(key))),
        *("|| { echo", failed, ">&2; exit 1; }"),
    )


def _explain(found: sysctl.Sysctls, key: str, value: str, path: str) -> None:
    there = found.live.get(key)
    cause = [item.path for item in found.others(key, path) if there and item.value == there.value]
    notes.diff(key, there.value if there else "", value)
    notes.reason(
        f"{key} is {there.value if there else 'not there yet'}, wanted {value}"
        + (f"; {cause[-1]} sets it so" if cause else "")
    )


@operation()
def sysctls_set(
    values: Mapping[str, int | str], path: str, at_least: Mapping[str, int] | None = None
) -> Commands:
    """Each parameter has its value now and, by the file at `path`, after a boot.

    Keys of `at_least` are only ever raised. A file that a boot applies after ours with another value is an
    error that names it: setting ours again and again would not last.
    """
    least = dict(at_least or {})
    found: sysctl.Sysctls | None = host.get_fact(kernel.Sysctls, keys=[*values, *least])
    if found is None:
        raise HostError("could not read /proc/sys and the files of sysctl.d")
    wanted = {key: sysctl.normal(value) for key, value in values.items()} | raised(found, least, path)
    wrong = _wrong(found, wanted, least)
    _refuse(found, wanted, wrong, path)
    text = HEADER + "".join(f"{key} = {value}\n" for key, value in sorted(wanted.items()))
    yield from files.present._inner([File(path, text.encode())])
    for key, value in wrong.items():
        _explain(found, key, value, path)
        yield _set(key, value)
