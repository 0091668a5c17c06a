from __future__ import annotations

from collections.abc import Mapping

import pytest

from deploy.errors import HostError
from deploy.operations import kernel
from deploy.operations.files import File
from tests.unit.operations.conftest import Plan

FILES, MODULES, SYSCTLS, DPKG = "stat --printf='%F", "uname -r", "/proc/sys/", "dpkg-query"
END = "end-of-files"
HEADER = "# Written by slipway; the inventory says what belongs here.\n"
MODULES_FILE = "/etc/modules-load.d/slipway.conf"
SYSCTL_FILE = "/etc/sysctl.d/90-slipway.conf"
FORWARD = "net.ipv4.ip_forward"
INOTIFY = "fs.inotify.max_user_instances"


def written(path: str, text: str) -> list[str]:
    digest = kernel.File(path, (HEADER + text).encode()).sha256
    return [f"regular file\t644\troot\troot\t{path}", f"{digest}  {path}", END]


def load(plan: Plan, *lines: str, file: list[str] | None = None):
    names = ["overlay", "br_netfilter"]
    there = written(MODULES_FILE, "overlay\nbr_netfilter\n") if file is None else file
    return plan(kernel.modules_loaded, names, MODULES_FILE, answers={FILES: there, MODULES: list(lines)})


def sysctls(plan: Plan, *lines: str, file: str | None = None, least: Mapping[str, int] | None = None):
    text = f"{FORWARD} = 1\n" if file is None else file
    answers = {FILES: written(SYSCTL_FILE, text), SYSCTLS: [*lines, "end"]}
    return plan(
        kernel.sysctls_set, {} if least else {FORWARD: 1}, SYSCTL_FILE, at_least=least, answers=answers
    )


def test_modules_that_work_are_left_alone(plan: Plan) -> None:
    planned = load(plan, "kernel 6.1", "module overlay works", "module br_netfilter works")

    assert (planned.commands, planned.reasons) == ([], [])


def test_a_module_that_can_be_loaded_is_loaded(plan: Plan) -> None:
    planned = load(plan, "kernel 6.1", "module overlay works", "module br_netfilter loadable")

    assert planned.commands == ["modprobe -- br_netfilter"]
    assert planned.reasons == ["module br_netfilter is not loaded"]


def test_modules_come_back_at_boot(plan: Plan) -> None:
    planned = load(plan, "kernel 6.1", "module overlay works", "module br_netfilter works", file=[END])

    assert planned.reasons == [f"{MODULES_FILE} is missing"]
    assert planned.notes.diffs[0].endswith("+overlay\n+br_netfilter")


def test_a_kernel_without_the_module_is_an_error_that_says_what_to_install(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        load(plan, "kernel 6.1.0-9", "module overlay works", "module br_netfilter missing")

    assert str(error.value) == (
        "kernel 6.1.0-9 lacks br_netfilter and has no such module to load; install the kernel's extra "
        "modules (linux-modules-extra, kernel-modules-extra) or another kernel"
    )


def test_a_module_that_the_host_says_nothing_of_counts_as_missing(plan: Plan) -> None:
    with pytest.raises(HostError, match=r"^kernel 6\.18 lacks br_netfilter and has no loadable modules; "):
        load(plan, "kernel 6.18", "monolithic", "module overlay works")


@pytest.mark.parametrize(("there", "comes"), [([], True), (["install installed nvidia-driver 580"], False)])
def test_a_module_that_a_package_brings_is_missed_once_that_is_installed(
    plan: Plan, there: list[str], comes: bool
) -> None:
    answers = {FILES: [END], MODULES: ["kernel 6.1.0-9", "module nvidia missing"], DPKG: ["dpkg", *there]}

    def load() -> list[str]:
        packages = ["nvidia-driver"]
        planned = plan(kernel.modules_loaded, ["nvidia"], MODULES_FILE, packages=packages, answers=answers)
        return planned.reasons

    if comes:
        assert load() == [f"{MODULES_FILE} is missing", "module nvidia is not loaded"]
    else:
        with pytest.raises(HostError) as error:
            load()
        assert str(error.value) == (
            "kernel 6.1.0-9 has no nvidia, though nvidia-driver is installed; `dkms status` says what was"
            " built for which kernel: install linux-headers-6.1.0-9, then run `dkms autoinstall`"
        )


def test_nouveau_keeps_the_cards_until_a_reboot_and_that_is_said(plan: Plan) -> None:
    waits = "nouveau is loaded and keeps the cards from nvidia until a reboot"
    lines = ["kernel 6.1.0-9", "module nouveau works", "module nvidia loadable"]

    planned = plan(kernel.made_way, "nouveau", "nvidia", answers={MODULES: lines})

    assert planned.reasons == [waits]
    assert planned.commands == [f"{{ echo '{waits}: run the same command with --reboot' >&2; exit 1; }}"]


@pytest.mark.parametrize(
    ("nouveau", "nvidia"), [("works", "works"), ("loadable", "missing"), ("missing", "loadable")]
)
def test_a_module_that_is_in_nobodys_way_needs_no_reboot(plan: Plan, nouveau: str, nvidia: str) -> None:
    lines = ["kernel 6.1.0-9", f"module nouveau {nouveau}", f"module nvidia {nvidia}"]

    assert plan(kernel.made_way, "nouveau", "nvidia", answers={MODULES: lines}).commands == []


NOUVEAU = File("/etc/modprobe.d/slipway-nouveau.conf", b"blacklist nouveau\n")


def test_what_modprobe_is_told_holds_in_the_initial_ram_disk_too(plan: Plan) -> None:
    planned = plan(kernel.modprobe_configured, NOUVEAU, answers={FILES: [END]})

    assert planned.reasons == [f"{NOUVEAU.path} is missing"]
    assert planned.commands[-1] == (
        "! command -v update-initramfs >/dev/null || update-initramfs -u"
        f" || {{ rm -f -- {NOUVEAU.path} ; false; }}"
    )


def test_what_modprobe_was_told_makes_no_second_ram_disk(plan: Plan) -> None:
    there = [f"regular file\t644\troot\troot\t{NOUVEAU.path}", f"{NOUVEAU.sha256}  {NOUVEAU.path}", END]

    assert plan(kernel.modprobe_configured, NOUVEAU, answers={FILES: there}).commands == []


def test_parameters_as_wanted_are_left_alone(plan: Plan) -> None:
    planned = sysctls(plan, f"live {FORWARD} rw 1", f"set {SYSCTL_FILE}:{FORWARD} = 1")

    assert (planned.commands, planned.reasons) == ([], [])


def test_a_live_value_that_drifted_is_set_and_the_file_to_blame_is_named(plan: Plan) -> None:
    planned = sysctls(plan, f"live {FORWARD} rw 0", f"set /etc/sysctl.d/10-net.conf:{FORWARD}=0")

    failed = f"{{ echo '{FORWARD} could not be set to 1' >&2; exit 1; }}"
    assert planned.commands == [f"printf %s 1 > /proc/sys/net/ipv4/ip_forward || {failed}"]
    assert planned.reasons == [f"{FORWARD} is 0, wanted 1; /etc/sysctl.d/10-net.conf sets it so"]
    assert planned.notes.diffs == [f"--- {FORWARD}\n+++ {FORWARD}\n@@ -1 +1 @@\n-0\n+1"]


def test_a_drifted_file_alone_is_written_and_nothing_else(plan: Plan) -> None:
    planned = sysctls(plan, f"live {FORWARD} rw 1", file=f"{FORWARD} = 0\n")

    assert (len(planned.commands), planned.reasons) == (1, [f"{SYSCTL_FILE} differs"])


def test_a_later_file_that_undoes_ours_at_boot_is_an_error_that_names_it(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        sysctls(plan, f"live {FORWARD} rw 1", f"set /etc/sysctl.d/99-sysctl.conf:{FORWARD} = 0")

    assert str(error.value) == (
        f"/etc/sysctl.d/99-sysctl.conf sets {FORWARD} = 0 at boot, after {SYSCTL_FILE} has set 1; "
        "remove that line, or declare the value under host.sysctls"
    )


def test_a_parameter_that_the_host_may_not_set_is_an_error_with_its_cause(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        sysctls(plan, f"live {FORWARD} ro 0")

    assert str(error.value) == (
        f"{FORWARD} is 0, wanted 1, and /proc/sys is read-only on this host; "
        "set it on the machine that the host shares its kernel with"
    )


def test_a_parameter_that_a_module_will_bring_is_planned(plan: Plan) -> None:
    planned = sysctls(plan)

    assert planned.reasons == [f"{FORWARD} is not there yet, wanted 1"]


def test_a_limit_is_raised(plan: Plan) -> None:
    planned = sysctls(plan, f"live {INOTIFY} rw 128", file=f"{INOTIFY} = 8192\n", least={INOTIFY: 8192})

    assert planned.reasons == [f"{INOTIFY} is 128, wanted 8192"]


def test_a_higher_limit_is_never_lowered(plan: Plan) -> None:
    lines = (f"live {INOTIFY} rw 65536", f"set /etc/sysctl.d/10-x.conf:{INOTIFY} = 65536")

    planned = sysctls(plan, *lines, file=f"{INOTIFY} = 65536\n", least={INOTIFY: 8192})

    assert planned.commands == []


def test_parameters_that_could_not_be_read_are_not_taken_for_set(plan: Plan) -> None:
    with pytest.raises(HostError, match=r"^could not read /proc/sys and the files of sysctl\.d$"):
        plan(kernel.sysctls_set, {FORWARD: 1}, SYSCTL_FILE)
