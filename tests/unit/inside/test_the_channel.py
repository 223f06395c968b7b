"""The archive that goes into a pod and out of it: exact, whole or not at all, and nothing of it lands outside of its folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenb.cluster.handover import _command
from kubenb.inside.channel import DAMAGED, FIRST, STORE, Damaged, pack, unpack

TOKEN = "ab12"


def _place(folder: Path) -> None:
    place = folder / "d/r/t"
    (place / "kept").mkdir(parents=True)
    (place / "x").write_bytes(bytes(range(256)) * 5000)
    (place / "empty").touch()
    (place / "kept/zz").write_text("ä")
    (place / "_SUCCESS").write_text("{}")
    (place / "link").symlink_to("/etc/passwd")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 7, 100_000, 1 << 30])
def test_what_is_packed_is_unpacked_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    _place(tmp_path / "a")
    (tmp_path / "a/d/r/t/x").write_bytes(b"x" * (1000 if size < 10 else 1_000_000))
    data = b"".join(pack(str(tmp_path / "a"), ["d/r/t"]))
    assert unpack(_pieces(data, size), str(tmp_path / "b"), "d/r/t")["files"] == 4
    assert _files(tmp_path / "b") == _files(tmp_path / "a")


def test_the_marker_comes_last(tmp_path: Path) -> None:
    _place(tmp_path)
    data = b"".join(pack(str(tmp_path), ["d/r/t"]))
    assert data.rindex(b'"d/r/t/_SUCCESS"') > max(data.rindex(b'"d/r/t/x"'), data.rindex(b'"d/r/t/kept/zz"'))


def test_wherever_it_is_cut_or_changed_it_is_noticed_and_no_half_file_stays(tmp_path: Path) -> None:
    _place(tmp_path / "a")
    (tmp_path / "a/d/r/t/x").write_bytes(b"x" * 300)
    data = b"".join(pack(str(tmp_path / "a"), ["d/r/t"]))
    whole = _files(tmp_path / "a")
    for at in range(len(data)):
        into = tmp_path / f"cut{at}"
        with pytest.raises(Damaged):
            unpack([data[:at]], str(into))
        assert _files(into).items() <= whole.items()
    for at in range(data.index(b"x" * 300), data.index(b"x" * 300) + 300 + 32):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(Damaged, match="d/r/t/x differs from what was sent"):
            unpack([changed], str(tmp_path / "changed"))
        assert "d/r/t/x" not in _files(tmp_path / "changed")


def _archive(name: str) -> bytes:
    head = json.dumps({"name": name, "size": 1}).encode() + b"\n"
    return FIRST + head + b"x" + hashlib.sha256(b"x").digest() + b'{"files": 1}\n'


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a//x", "./x", "a\\x", "a\0x", "", "a/.."])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Damaged, match="leads out of the folder"):
        unpack([_archive(name)], str(tmp_path / "in"))
    assert _files(tmp_path) == {}


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").symlink_to(tmp_path)
    with pytest.raises(Damaged, match="is a link"):
        unpack([_archive("a/x")], str(tmp_path / "in"))
    assert not (tmp_path / "x").exists()


def test_only_the_place_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="d/other/x is not below d/mine"):
        unpack([_archive("d/other/x")], str(tmp_path), "d/mine")


def _ran(tmp_path: Path, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *_command(words)[1:]]
    return subprocess.run(
        command, input=data, capture_output=True, env={**os.environ, "TMPDIR": str(tmp_path)}, timeout=30
    )


def test_the_text_that_travels_does_the_same(tmp_path: Path) -> None:
    _place(tmp_path / "a")
    data = b"".join(pack(str(tmp_path / "a"), ["d/r/t"]))
    put = _ran(tmp_path, "put", str(tmp_path / "b"), TOKEN, data=data)
    assert json.loads(put.stdout) == {"files": 4, "bytes": 1_280_004}
    assert (tmp_path / f"kubenb-{TOKEN}/ready").exists()
    assert _ran(tmp_path, "get", str(tmp_path / "b"), "d/r/t", TOKEN).stdout == data
    assert _ran(tmp_path, "done", TOKEN).returncode == 0
    assert (tmp_path / f"kubenb-{TOKEN}/fetched").exists()


def test_what_goes_wrong_there_is_one_line_and_a_code(tmp_path: Path) -> None:
    put = _ran(tmp_path, "put", str(tmp_path / "b"), TOKEN, data=FIRST)
    assert (put.returncode, put.stderr) == (DAMAGED, b"the archive is damaged: it stopped after 17 bytes\n")
    assert not (tmp_path / f"kubenb-{TOKEN}").exists()
    (tmp_path / "file").touch()
    put = _ran(tmp_path, "put", str(tmp_path / "file"), TOKEN, data=FIRST + b'{"name": "x", "size": 0}\n')
    assert put.returncode == STORE
    assert put.stderr.startswith(b"File exists (")


def test_it_is_short_enough_for_a_request_s_address() -> None:
    assert sum(map(len, _command(["put"]))) < 5000
