"""Transcripts are read with the words and times that stand in them, and a malformed one is named by file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from abaw_pipeline.features.text.cues import as_vtt, parse_cues
from abaw_pipeline.features.text.settings import Transcripts
from abaw_pipeline.features.text.transcripts import Source, find_words, listing, place, read_words
from abaw_pipeline.features.text.words import Word, shared_out, words_digest

ADAPTER: TypeAdapter[Any] = TypeAdapter(Transcripts)

SRT = """1
00:00:01,000 --> 00:00:02,000
ab cdef

2
00:00:03,500 --> 00:01:04,250 X1:100
{\\an8}<i>Grüße</i>,
  you

"""
VTT = """WEBVTT - a title

NOTE
this is no cue

STYLE
::cue { color: red }

intro
00:01.000 --> 00:03.000 align:start
<v Ann>Fish &amp; <00:00:02.000><c>chips</c><00:00:02.500>

00:01:00.000 --> 00:01:01.000
"""


def _source(**raw: Any) -> Source:
    return ADAPTER.validate_python(raw)


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_subrip(tmp_path: Path) -> None:
    words = read_words(_write(tmp_path / "a.srt", b"\xef\xbb\xbf" + SRT.replace("\n", "\r\n").encode()))
    assert [word.text for word in words] == ["ab", "cdef", "Grüße,", "you"]
    assert words[0] == Word("ab", 1.0, pytest.approx(1 + 1 / 3))  # two of six characters
    assert words[1] == Word("cdef", words[0].end, 2.0)
    assert (words[2].start, words[3].end) == (3.5, 64.25)


def test_web_vtt_with_times_inside_a_cue(tmp_path: Path) -> None:
    assert read_words(_write(tmp_path / "a.vtt", VTT)) == (
        Word("Fish", 1.0, pytest.approx(1.8)),
        Word("&", pytest.approx(1.8), 2.0),
        Word("chips", 2.0, 2.5),
    )


def test_plain_text_has_no_times(tmp_path: Path) -> None:
    assert read_words(_write(tmp_path / "a.txt", "one\n two")) == (Word("one"), Word("two"))
    assert read_words(_write(tmp_path / "b.txt", "")) == ()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.srt", SRT.replace("--> 00:00:02,000", "-> 00:00:02,000"), r"a\.srt:1: no times where a cue begins: '1'"),
        ("a.srt", SRT.replace("00:01:04,250", "00:01:64,250"), r"a\.srt:6: not the times of a cue"),
        ("a.srt", SRT.replace("00:00:02,000", "00:00:00,000"), r"a\.srt:2: its times do not go forward"),
        ("a.vtt", VTT.replace("00:00:02.500", "00:00:09.000"), r"a\.vtt:10: its times do not go forward"),
        ("a.srt", SRT.encode("latin-1"), r"a\.srt:7: not UTF-8"),
    ],
)
def test_malformed_files_are_named_with_their_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_words(_write(tmp_path / name, text))


def test_files_by_pattern(tmp_path: Path) -> None:
    source = _source(source="files", folder=str(tmp_path), pattern="of {clip}[1].txt")
    before = listing(source)
    path = _write(tmp_path / "of c[1].txt", "hello")
    assert find_words(source, "c") == (Word("hello"),) and place(source, "c") == path
    assert find_words(source, "other") is None
    assert listing(source) != before
    _write(tmp_path / "unrelated.txt", "hello")
    after = listing(source)
    _write(path, "hello again")
    assert after != listing(source) != before
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        find_words(_source(source="files", folder=str(tmp_path / "nowhere")), "c")


TABLE = "id;said;from;to\n00042;ab cd;1000;2000\n7;x;0;1\n00042;first;0;500\n00042;;3000;4000\n"


def _table(path: Path, **more: Any) -> Source:
    columns = {"clip": "id", "text": "said", "start": "from", "end": "to"}
    return _source(**{"source": "table", "path": str(path), "delimiter": ";", **columns, **more})


def test_table_with_times_in_milliseconds(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", TABLE)
    source = _table(path, unit="ms")
    assert find_words(source, "00042") == (Word("first", 0.0, 0.5), Word("ab", 1.0, 1.5), Word("cd", 1.5, 2.0))
    assert find_words(source, "42") is None
    assert find_words(_table(path, start=None, end=None), "7") == (Word("x"),)
    before = listing(source)
    _write(path, TABLE.replace("first", "other"))
    assert find_words(source, "00042")[0].text == "other" and listing(source) != before  # type: ignore[index]


def test_wrong_tables_say_where(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", TABLE.replace("2000", "soon"))
    with pytest.raises(ValueError, match=r"t\.csv:2: start and end are not numbers: '1000', 'soon'"):
        find_words(_table(path), "7")
    with pytest.raises(ValueError, match=r"no column 'words' .*it has: id, said, from, to"):
        find_words(_table(path, text="words"), "7")
    with pytest.raises(ValueError, match=r"t\.csv:4: times do not go forward"):
        find_words(_table(_write(path, TABLE.replace(";500", ";-500"))), "7")
    with pytest.raises(ValueError, match=r"none\.csv: no such table"):
        find_words(_table(tmp_path / "none.csv"), "7")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"source": "files", "folder": "x", "pattern": "all.srt"}, "must hold {clip}"),
        ({"source": "files", "folder": "x", "pattern": "{clip}.docx"}, "end in .srt, .vtt or .txt"),
        ({"source": "table", "path": "x", "start": "from"}, "start and end, or neither"),
    ],
)
def test_settings_that_cannot_be_meant(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _source(**raw)


def test_time_is_shared_out_by_characters() -> None:
    words = shared_out("a  bbb", 10.0, 14.0)
    assert words == (Word("a", 10.0, 11.0), Word("bbb", 11.0, 14.0))
    assert shared_out(" ", 0.0, 1.0) == ()


_TEXT = st.text("abcß<&>-' ".replace(" ", ""), min_size=1, max_size=6).filter(lambda text: "--" not in text)


@given(st.lists(st.tuples(_TEXT, st.integers(0, 900), st.integers(20, 4000)), max_size=30))
def test_what_is_written_is_read_again(raw: list[tuple[str, int, int]]) -> None:
    words, now = [], 0
    for text, pause, length in raw:
        now += pause
        words.append(Word(text, now / 1000, (now + length) / 1000))
        now += length
    text = as_vtt(tuple(words))
    read = parse_cues(text, Path("a.vtt"))
    assert [word.text for word in read] == [word.text for word in words]
    assert [word.start for word in read] == pytest.approx([word.start for word in words])
    for number, word in enumerate(words):  # a word lasts until the next of its phrase
        following = words[number + 1].start if number + 1 < len(words) else None
        assert read[number].end == pytest.approx(word.end) or read[number].end == pytest.approx(following)
    assert words_digest(parse_cues(text, Path("b.vtt"))) == words_digest(read)
