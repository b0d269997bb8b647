"""Files are written whole or not at all, and every reason is said in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lensmaker.core import InputError
from lensmaker.report import write_text


def test_writes_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    for text in ("χ = 1\n", "second"):
        assert write_text(path, text) == path
        assert path.read_text(encoding="utf-8") == text
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_failure_half_way_keeps_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_text(path, "earlier")
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        write_text(path, "half" * 10_000 + "\ud800")
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == ["report.html"]


def test_keeps_permissions_and_follows_links(tmp_path: Path) -> None:
    path, link = tmp_path / "report.html", tmp_path / "link.html"
    write_text(path, "earlier")
    path.chmod(0o640)
    link.symlink_to(path)
    write_text(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no/r\.html, in a folder that does not exist: make .*no first"):
        write_text(tmp_path / "no" / "r.html", "")
    assert os.listdir(tmp_path) == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which is a folder: name a file"):
        write_text(tmp_path, "")


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(InputError, match="which is no regular file"):
        write_text("/dev/null", "")


def test_an_error_of_the_system_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file name too long: choose"):
        write_text(tmp_path / ("x" * 300), "")
    assert os.listdir(tmp_path) == []


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root every folder may be written to, so the refusal of the system is imitated."""

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(InputError, match=r"r\.html: permission denied: choose a folder"):
        write_text(tmp_path / "r.html", "text")
