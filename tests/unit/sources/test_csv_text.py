"""CSV files as text."""

from pathlib import Path

import pytest

from tradewind_contracts.errors import SourceError
from tradewind_sources.archives import open_archive
from tradewind_sources.csv_text import TextFile, read_text
from tradewind_sources.declaration import SourceColumn, SourceFile

FILE = SourceFile("notes.csv", "notes", (SourceColumn("id"), SourceColumn("note")))


def read(folder: Path, content: bytes) -> TextFile:
    (folder / "notes.csv").write_bytes(content)
    return read_text(open_archive(folder), FILE)


def test_a_quoted_line_break_belongs_to_its_row(tmp_path: Path) -> None:
    text = read(tmp_path, b'id,note\n1,"one\ntwo ""quoted"", three"\n2,\n')
    assert text.table.to_pydict() == {"id": ["1", "2"], "note": ['one\ntwo "quoted", three', ""], "source_row": [1, 2]}


def test_a_byte_order_mark_quotes_and_line_ends_of_windows_do_not_matter(tmp_path: Path) -> None:
    text = read(tmp_path, '\ufeff"id","note"\r\n1,ação\r\n'.encode())
    assert text.table.to_pydict() == {"id": ["1"], "note": ["ação"], "source_row": [1]}


def test_columns_may_come_in_any_order_and_with_others_between(tmp_path: Path) -> None:
    assert read(tmp_path, b"note,more,id\na,b,1\n").table.to_pydict() == {"id": ["1"], "note": ["a"], "source_row": [1]}


def test_rows_with_too_many_or_too_few_fields_are_left_out_and_numbered(tmp_path: Path) -> None:
    text = read(tmp_path, b'id,note\n1,"a\nb"\n2\n3,c\n4,d,e\n5,f\n')
    assert text.malformed == (2, 4)
    assert text.table.column("source_row").to_pylist() == [1, 3, 5]
    assert text.rows == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"notes\.csv is empty"),
        (b"id,note\n", r"notes\.csv has a header but no rows"),
        (b"id,remark\n1,a\n", r"notes\.csv has no column note \(found: id, remark\); columns must carry their original names"),
        (b"id;note\n1;a\n", r"notes\.csv has no column id, note \(found: id;note\)"),
        (b"id,note,id\n1,a,2\n", r"notes\.csv names the column id twice"),
        (b"id,note\n1,\xff\xfe\n", r"notes\.csv is no CSV in UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused_and_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(tmp_path, content)
