"""Every mistake is told by its line, in a sentence, and all of them at once."""

from datetime import date
from pathlib import Path

import pytest

from hotline.config import Loaded, load

WHOLE = """\
company = "North Wind"
[[trunks]]
name = "north"
addresses = ["198.51.100.0/24"]
[[numbers]]
number = "8 800 000-00-00"
flow = "main"
[[operators]]
id = "anna"
password = "secret"
[queues.sales]
operators = ["anna"]
[flows.main.answer]
do = "answer"
[flows.main.wait]
do = "enqueue"
queue = "sales"
"""


def told(tmp_path: Path, text: str, **environ: str) -> list[str]:
    """The errors of a file with this text, as `line: sentence`."""
    return [
        f"{finding.where.removeprefix('company.toml:')}: {finding.sentence}"
        for finding in loaded(tmp_path, text, **environ).findings
        if finding.severity == "error"
    ]


def loaded(tmp_path: Path, text: str, **environ: str) -> Loaded:
    file = tmp_path / "company.toml"
    file.write_text(text)
    return load(file, today=date(2026, 11, 23), environ=environ)


def test_the_whole_file_is_valid(tmp_path: Path) -> None:
    assert told(tmp_path, WHOLE) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('operators = ["anna"]', 'operators = ["ana"]',
         '12: queue "sales" names operator "ana", who does not exist; did you mean "anna"?'),
        ('company = "North Wind"', 'compny = "North Wind"',
         '1: the file has an unknown key "compny"; did you mean "company"?'),
        ('flow = "main"', 'flow = "mian"',
         '7: number "8 800 000-00-00" names flow "mian", which does not exist; did you mean "main"?'),
        ('number = "8 800 000-00-00"', 'number = "8 800 ring us"', '6: number "8 800 ring us" is no telephone number'),
        ('do = "enqueue"', 'do = "enqueu"', '16: node "wait" of flow "main" does "enqueu", which is not known; '
         'did you mean "enqueue"?'),
        ('queue = "sales"', 'queue = "sale"',
         '17: node "wait" of flow "main" names queue "sale", which does not exist; did you mean "sales"?'),
        ('addresses = ["198.51.100.0/24"]', 'addresses = ["north.example"]',
         '4: trunk "north": addresses must be networks such as "198.51.100.0/24", not "north.example"'),
        ('password = "secret"', 'password_file = "nowhere"',
         '10: operator "anna": password_file "nowhere" cannot be read'),
        ('password = "secret"', 'password = "${ANNA}"',
         "10: the environment variable ANNA is not set; set it, or write ${ANNA:-a default}"),
        ('id = "anna"', 'id = "anna"\nmisses_to_pause = "two"',
         '10: operator "anna": misses_to_pause must be a whole number from 0 to 1000, not "two"'),
        ("[queues.sales]", '[queues.sales]\nring = 20',
         '12: queue "sales": ring must be a duration such as "20s", "1m30s" or "2h", not 20'),
        ("[queues.sales]", '[queues.sales]\nmusic = "no.mp3"', '12: queue "sales": there is no file "no.mp3"'),
        ("[queues.sales]", '[queues.sales]\nrecord = "yes"',
         '12: queue "sales": record must be true or false, not "yes"'),
        ('do = "answer"', 'do = "say"\nsay = "file:hello.wav"',
         '15: node "answer" of flow "main": there is no file "hello.wav"'),
        ('queue = "sales"', 'queue = "sales"\nkeys = { x = "answer" }',
         '18: node "wait" of flow "main": "x" is no key of a telephone'),
        ("[queues.sales]", '[hours.office]\nzone = "Europe/Moskow"\n[queues.sales]',
         '12: hours "office": there is no time zone "Europe/Moskow"; did you mean "Europe/Moscow"?'),
        ("[queues.sales]",
         '[hours.office]\nzone = "Europe/Moscow"\nmon-fri = "9:00-18:00"\nfri = "9:00-17:00"\n[queues.sales]',
         '14: hours "office": fri names fri a second time'),
        ("[queues.sales]", '[sip]\nudp = "5060"\n[queues.sales]',
         '12: [sip]: udp must be an address with its port such as "0.0.0.0:5060", not "5060"'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in WHOLE
    assert expected in told(tmp_path, WHOLE.replace(old, new))


def test_a_mistake_inside_a_long_list_has_the_line_of_its_element(tmp_path: Path) -> None:
    text = WHOLE.replace('operators = ["anna"]', 'operators = [\n  "anna", # first\n  "viktor",\n]')

    assert told(tmp_path, text) == ['14: queue "sales" names operator "viktor", who does not exist']


def test_what_is_no_toml_is_told_by_its_line(tmp_path: Path) -> None:
    assert told(tmp_path, WHOLE + "[queues.sales\n")[0].startswith("18: this is no TOML: ")


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = WHOLE.replace("company =", "compny =").replace('"anna"]', '"x", "y"]').replace("[[trunks]]", "[[trunk]]")
    lines = [int(one.split(":")[0]) for one in told(tmp_path, text)]

    assert len(lines) >= 4
    assert lines == sorted(lines)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    found = load(tmp_path / "none.toml", today=date(2026, 11, 23), environ={})

    assert found.config is None
    assert [finding.sentence for finding in found.findings] == [
        "the configuration cannot be read: No such file or directory"
    ]


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    config = loaded(tmp_path, WHOLE.replace('"secret"', '"${ANNA}"'), ANNA="hunter-two").config

    assert config is not None
    assert config.accounts[0].password == "hunter-two"
    assert "hunter-two" not in repr(config)


def test_the_revision_follows_the_content(tmp_path: Path) -> None:
    first, same, other = (
        loaded(tmp_path, text).config for text in (WHOLE, WHOLE + "# nothing\n", WHOLE.replace("North", "South"))
    )

    assert first
    assert same
    assert other
    assert first.settings.revision == same.settings.revision != other.settings.revision


def test_numbers_written_by_people_become_e164(tmp_path: Path) -> None:
    for written in ("8 800 000-00-00", "+7 800 000 00 00", "8(800)0000000", "7 800 000-00-00"):
        config = loaded(tmp_path, WHOLE.replace("8 800 000-00-00", written)).config
        assert config
        assert set(config.settings.numbers) == {"+78000000000"}
