from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.config.source import KeyPath, Lines, dotted, syntax_error_line

DOCUMENT = """\
# [not.a.table]
name = "a # [b]"   # comment
"quoted key" = 'x'
many.dots.here = 1

[table]
text = \"\"\"
[looks.like] = "a table"
ends = "\"\"\"
after = 2
inline = { first = 1, second = { third = [1, 2] } }
list = [
  1,       # one
  # none
  { a = 1 },
]

[[things]]
name = "zero"
[things.part]
deep = true
[[things]]
name = "one"
[[things.piece]]
a = 1
[[things.piece]]
a = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("quoted key",), 3),
        (("many", "dots", "here"), 4),
        (("table",), 6),
        (("table", "text"), 7),
        (("table", "after"), 10),
        (("table", "inline", "second", "third", 1), 11),
        (("table", "list", 0), 13),
        (("table", "list", 1, "a"), 15),
        (("things",), 18),
        (("things", 0, "name"), 19),
        (("things", 0, "part", "deep"), 21),
        (("things", 1), 22),
        (("things", 1, "piece", 0, "a"), 25),
        (("things", 1, "piece", 1, "a"), 27),
        (("things", 1, "missing"), 22),
        (("missing",), 1),
    ],
)
def test_each_key_of_a_document_is_found_on_its_line(path: KeyPath, line: int) -> None:
    tomllib.loads(DOCUMENT)
    assert Lines(DOCUMENT).of(path) == line


def test_windows_line_ends_count_once() -> None:
    assert Lines(DOCUMENT.replace("\n", "\r\n")).of(("things", 1)) == 22


VALUES = st.sampled_from(
    [
        *(
            "1",
            "-2.5e3",
            "true",
            "1979-05-27T07:32:00Z",
            '"text"',
            "'raw \\'",
            '""',
            "''",
            '"esc \\" # ] }"',
            "[]",
            "{}",
        ),
        *(
            "[1, [2, 3]]",
            '{ x = "}", y = [ "]" ] }',
            '"""\nmany\n"lines"\n"""',
            "'''\n''two''\n'''",
            "[\n 1, # ]\n 2,\n]",
        ),
        *('"""a"""""', '""""q"""', '"""\\\n  \\""" x"""'),
    ]
)
KEYS = st.sampled_from(["plain", "with-dash", '"quo.ted"', "'raw#'", "1234"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[KeyPath, int]]:
    """A TOML text, and the line of each key in it."""
    lines: list[str] = []
    expected: dict[KeyPath, int] = {}

    def pairs(table: KeyPath) -> None:
        for key in draw(st.lists(KEYS, max_size=3, unique=True)):
            expected[*table, key.strip("\"'")] = len(lines) + 1
            padding = draw(st.sampled_from(["", "  ", "\t"]))
            lines.extend(f"{padding}{key}{padding}={padding}{draw(VALUES)} # note".split("\n"))
            lines.extend(draw(st.sampled_from([[], [""], ["# [comment]"]])))

    pairs(())
    for number in range(draw(st.integers(0, 3))):
        name, array = f"table{number}", draw(st.booleans())
        for index in range(draw(st.integers(1, 2)) if array else 1):
            path: KeyPath = (name, index) if array else (name,)
            lines.append(f"[[ {name} ]]" if array else f"[{name}]")
            expected[path] = len(lines)
            pairs(path)
            if draw(st.booleans()):
                lines.append(f'[{name}."in.ner"]')
                expected[*path, "in.ner"] = len(lines)
                pairs((*path, "in.ner"))
    return "\n".join(lines), expected


@given(documents())
def test_every_key_of_any_document_is_found_on_its_line(case: tuple[str, dict[KeyPath, int]]) -> None:
    text, expected = case
    tomllib.loads(text)
    lines = Lines(text)
    assert {path: lines.of(path) for path in expected} == expected


def test_paths_are_written_with_dots_and_brackets() -> None:
    assert dotted(("machines", 2, "bmc", "port")) == "machines[2].bmc.port"


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = = 2\n", 2), ("a = 1\na = 2\n", 2), ('a = "', None)])
def test_a_syntax_error_says_its_line_where_tomllib_does(text: str, line: int | None) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert syntax_error_line(caught.value)[1] == line
