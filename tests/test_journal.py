"""The journal: what is recorded is read back, on disk before the step acts, and without a secret."""

from __future__ import annotations

import html
import json
import os
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_qacloud.errors import QacloudError
from pytest_qacloud.journal import HIDDEN, SHORTEST_SECRET, Event, Journal, Redactor, read

if TYPE_CHECKING:
    from pathlib import Path

ANY_TEXT = st.text(st.characters())
SECRETS = st.lists(st.text(st.characters(), min_size=SHORTEST_SECRET, max_size=12), min_size=1, max_size=5)
FEW_LETTERS = st.text('ab[hiden]\\"\n', max_size=30)
FEW_SECRETS = st.lists(st.text('ab[hiden]\\"\n', min_size=SHORTEST_SECRET, max_size=8), min_size=1, max_size=4)
RESERVED = {"self", "at", "step", "phase", "machine", "elapsed_s"}
NUMBERS = st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
DETAILS = st.dictionaries(ANY_TEXT.filter(lambda name: name not in RESERVED), VALUES, max_size=4)


def open_journal(path: Path, redact: Redactor | None = None) -> Journal:
    return Journal(path, redact or Redactor())


def strings_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in strings_in(part)]
    if isinstance(value, list):
        return [text for member in value for text in strings_in(member)]
    return [str(value)]


@given(FEW_SECRETS, FEW_LETTERS)
@example(["abcd", "cdef"], "abcdef")
@example(["aaaa"], "aaaaaaa")
@example(["dden"], "dden")
@example(["hidden]x", "abcd"], "abcdx")
def test_no_secret_survives_in_any_text(secrets: list[str], text: str) -> None:
    shown = Redactor(secrets)(text)

    assert not [secret for secret in secrets if secret in shown]


@given(SECRETS, st.data())
def test_a_secret_is_found_in_every_spelling(secrets: list[str], data: st.DataObject) -> None:
    secret = data.draw(st.sampled_from(secrets))
    spellings = [
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret, quote=False),
        *([] if any("\ud800" <= letter <= "\udfff" for letter in secret) else
          [quote(secret, safe=""), quote_plus(secret), repr(secret.encode())[2:-1]]),
    ]  # fmt: skip
    text = " and ".join(data.draw(st.permutations(spellings)))

    shown = Redactor(secrets)(text)

    assert not [spelling for spelling in spellings if spelling in shown]


@given(st.sampled_from(["it's", "a\"b'c", "x\\y\"z'", "p\nq'r\""]))
def test_a_secret_with_quotes_is_found_in_a_repr_of_more(secret: str) -> None:
    for text in (repr({"password": secret}), repr(f"\" ' {secret}"), json.dumps({"password": [secret]})):
        assert secret.strip("'\"")[1:] not in Redactor([secret])(text)


def test_each_line_of_a_secret_is_one() -> None:
    key = "-----BEGIN KEY-----\n  b3BlbnNzaC1r\n  ZXktdjEAAAAA\nabc\n-----END KEY-----"
    redact = Redactor()

    assert redact.add(key) == key
    assert redact("the 2nd line is ZXktdjEAAAAA.") == f"the 2nd line is {HIDDEN}."
    assert redact(f"<{key}>") == f"<{HIDDEN}>"


def test_what_is_shorter_than_a_secret_stays() -> None:
    assert Redactor(["abc", ""])("abc") == "abc"


def test_overlapping_and_touching_secrets_become_one_mark() -> None:
    redact = Redactor(["abcd", "cdef", "ghij"])

    assert redact("<abcdef>") == f"<{HIDDEN}>"
    assert redact("<abcdghij>") == f"<{HIDDEN}>"
    assert redact("<abcd-ghij>") == f"<{HIDDEN}-{HIDDEN}>"
    assert redact("nothing here") == "nothing here"


@given(SECRETS, VALUES, st.data())
def test_no_secret_survives_in_the_values_of_an_event(secrets: list[str], value: Any, data: st.DataObject) -> None:
    secret = data.draw(st.sampled_from(secrets))

    shown = Redactor(secrets).clean({"value": value, secret: [{"deep": f"a{secret}b"}]})

    json.dumps(shown)
    assert not [text for text in strings_in(shown) if any(secret in text for secret in secrets)]


def test_numbers_keep_their_type_unless_they_are_a_secret(tmp_path: Path) -> None:
    redact = Redactor(["4711"])

    assert redact.clean({"a": 4711, "b": 4712, "c": True, "d": None, "e": (1, {2}), "f": tmp_path}) == {
        "a": HIDDEN,
        "b": 4712,
        "c": True,
        "d": None,
        "e": [1, [2]],
        "f": str(tmp_path),
    }


@given(
    at=st.floats(0, 4e9),
    step=ANY_TEXT,
    phase=st.sampled_from(["begin", "end", "fail", "retry", "note"]),
    machine=ANY_TEXT,
    elapsed_s=st.none() | st.floats(0, 1e6),
    detail=DETAILS,
)
def test_what_is_recorded_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    at: float,
    step: str,
    phase: str,
    machine: str,
    elapsed_s: float | None,
    detail: dict[str, Any],
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    journal = Journal(path, Redactor(), lambda: at)
    written = [journal.record(step, phase, machine, elapsed_s=elapsed_s, **detail) for _ in range(2)]
    journal.close()

    assert read(path) == written
    assert written[0].detail == detail
    assert written[0].at == pytest.approx(at, abs=1e-6)
    path.unlink()


def test_an_event_is_read_where_text_has_letters_that_end_lines_elsewhere(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal.jsonl")

    event = journal.record("converge", "fail", "node2", observed="a\u2028b\x85c\x0bd\re\nf\udc80")
    journal.close()

    assert read(tmp_path / "journal.jsonl") == [event]


def test_a_member_named_like_a_field_does_not_replace_it() -> None:
    event = Event(1.0, "ipmi", "end", "node2", 2.0, {"step": "other", "at": 7, "machine": "x", "more": 1})

    assert json.loads(event.line()) == {
        "at": 1.0, "step": "ipmi", "phase": "end", "machine": "node2", "elapsed_s": 2.0, "more": 1,
    }  # fmt: skip


@given(st.integers(1, 200))
def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    journal = open_journal(path)
    whole = journal.record("ipmi", "begin", "node2")
    journal.record("ipmi", "end", "node2", said="grüße" * 30)
    journal.close()
    os.truncate(path, path.stat().st_size - cut)

    assert read(path)[0] == whole
    assert len(read(path)) == (2 if cut == 1 else 1)  # 1: all but the newline


def test_an_event_is_on_disk_and_clean_before_anybody_is_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "journal.jsonl"
    journal = open_journal(path, Redactor(["sesame"]))
    seen: list[tuple[str, list[Event]]] = []
    journal.listen(lambda event: seen.append((event.detail["said"], read(path))))

    event = journal.record("ipmi", "begin", "node2", said="open sesame")

    assert seen == [(f"open {HIDDEN}", [event])]
    journal.close()


def test_after_the_end_only_listeners_are_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = open_journal(path)
    told: list[str] = []
    journal.listen(lambda event: told.append(event.step))
    journal.record("ipmi", "begin")
    journal.close()
    journal.close()

    journal.record("run", "end")

    assert told == ["ipmi", "run"]
    assert [event.step for event in read(path)] == ["ipmi"]


def test_listeners_are_told_in_the_journals_order_by_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = open_journal(path)
    told: list[Event] = []
    journal.listen(told.append)

    def work(machine: str) -> None:
        for number in range(20):
            journal.record("ipmi", "note", machine, number=number)

    threads = [threading.Thread(target=work, args=(f"node{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()

    assert read(path) == told
    assert len(told) == 160


def test_a_full_disk_is_an_error_until_the_teardown_goes_on_without_it(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").symlink_to("/dev/full")
    journal = open_journal(tmp_path / "journal.jsonl")
    told: list[str] = []
    journal.listen(lambda event: told.append(event.step))

    with pytest.raises(QacloudError, match=r"journal\.jsonl cannot be written: No space left on device"):
        journal.record("ipmi", "begin")
    journal.required = False
    journal.record("undo ipmi", "begin")
    journal.close()

    assert told == ["undo ipmi"]
