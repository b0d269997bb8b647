"""`make demo`: a network that does not learn, corrected, learns."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_corrected_network_learns(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = demo.main(tmp_path / "made" / "report.html")
    assert before < 0.2  # one class of ten: chance
    assert after > 0.9
    printed = capsys.readouterr().out
    assert "depth gain" in printed
    assert f"The same training now gives {after:.1%}" in printed
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert "depth gain" in page
