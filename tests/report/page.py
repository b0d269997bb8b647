"""A report opened in a browser, with the questions the tests ask of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from lensmaker.core import BenchRecord
from lensmaker.report import to_html, write_text


class Page:
    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser = browser
        self.folder = folder

    def open(self, record: BenchRecord, html: str = "") -> None:
        """Open the record's report and wait until the train is drawn; earlier log entries are dropped."""
        path = write_text(self.folder / "report.html", html or to_html(record))
        self.browser.get_log("browser"), self.browser.get_log("performance")
        self.browser.get(path.as_uri())
        self.wait("document.getElementById('plot').dataset.drawn === 'yes'")

    def ask(self, expression: str) -> Any:
        return self.browser.execute_script(f"return {expression}")

    def click(self, selector: str, index: int = 0) -> None:
        self.browser.find_elements("css selector", selector)[index].click()

    def wait(self, condition: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not self.ask(condition):
            if time.monotonic() > end:
                complaints = [entry["message"] for entry in self.browser.get_log("browser")]
                raise AssertionError(f"never came true: {condition}; the console says {complaints}")
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """Errors and warnings on the console since the page was opened."""
        return [e["message"] for e in self.browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Addresses that the page asked for, apart from its own file and data: URLs.

        What the browser loads for its own windows has chrome: addresses, which no page can ask for.
        """
        entries = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(("file:", "data:", "blob:", "chrome:"))]

    def column(self, label: str) -> list[str]:
        """The texts of one column of the table, from top to bottom."""
        return self.ask(
            "(() => { const head = [...document.querySelectorAll('#table thead th')];"
            f" const i = head.findIndex((th) => th.textContent === {json.dumps(label)});"
            " const rows = [...document.querySelectorAll('#table tbody tr')];"
            " return rows.map((tr) => tr.cells[i].textContent); })()"
        )

    def sort(self, label: str) -> None:
        index = self.ask(
            "[...document.querySelectorAll('#table thead th')]"
            f".findIndex((th) => th.textContent === {json.dumps(label)})"
        )
        self.click("#table thead th button", index)
