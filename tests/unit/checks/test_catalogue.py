from __future__ import annotations

import re

import pytest

from checks.catalogue import Fix, Phase, UnknownCheckError, all_checks, check, of_phase, url


def test_the_catalogue_covers_every_layer() -> None:
    groups = {each.group for each in all_checks().values()}

    assert groups == {
        "host", "rt", "k8s", "gpu", "int", "amd", "nv", "dra", "lb", "gw", "vol", "s3", "reg", "kit",
        "srv", "ops",
    }  # fmt: skip
    assert len(all_checks()) >= 100
    assert len(of_phase(Phase.PREFLIGHT)) >= 66


def test_every_check_can_be_explained() -> None:
    for each in all_checks().values():
        assert re.fullmatch(r"[A-Z0-9]+-\d\d", each.id)
        assert all((each.title, each.looks_at, each.why, each.remedy, each.phases)), each.id
        assert not each.title.endswith("."), f"{each.id}: a title is a statement without a full stop"


def test_titles_are_unique() -> None:
    titles = [each.title for each in all_checks().values()]

    assert len(set(titles)) == len(titles)


def test_an_id_is_known_in_any_case() -> None:
    assert check(" host-03 ").title == "Swap is off"


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownCheckError) as caught:
        check("HOST-3")

    assert str(caught.value) == "there is no check 'HOST-3'; the nearest is HOST-03: Swap is off"


def test_an_id_like_no_other_is_sent_to_the_list() -> None:
    with pytest.raises(UnknownCheckError) as caught:
        check("frobnicate")

    assert str(caught.value) == "there is no check 'frobnicate'; `slipway explain` lists all"


def test_a_word_finds_the_checks_that_speak_of_it() -> None:
    with pytest.raises(UnknownCheckError) as caught:
        check("swap")

    assert str(caught.value) == "there is no check 'swap'; HOST-03, HOST-04 speak of it"


@pytest.mark.parametrize(
    ("source", "opened"),
    [
        ("clastix/yaki#12", "https://github.com/clastix/yaki/issues/12"),
        ("https://docs.kernel.org/x.html", "https://docs.kernel.org/x.html"),
        (
            "k3s-io/k3s contrib/util/check-config.sh",
            "https://github.com/k3s-io/k3s/blob/HEAD/contrib/util/check-config.sh",
        ),
    ],
)
def test_a_source_can_be_opened(source: str, opened: str) -> None:
    assert url(source) == opened


def test_every_source_is_of_a_known_form() -> None:
    form = re.compile(r"[\w.-]+/[\w.-]+#\d+|https://\S+|[\w.-]+/[\w.-]+ [\w./-]+")
    wrong = [
        source for each in all_checks().values() for source in each.sources if not form.fullmatch(source)
    ]

    assert wrong == []


def test_what_a_planned_step_mends_is_a_check_of_drift_too() -> None:
    gone_unseen = [
        each.id
        for each in all_checks().values()
        if each.mended_by == "baseline" and each.fix is Fix.YES and Phase.DRIFT not in each.phases
    ]

    assert gone_unseen == []
