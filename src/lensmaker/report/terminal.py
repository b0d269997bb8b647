"""A bench record in the terminal: findings first, then the train, then how often theory and network agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensmaker.core import BenchRecord, Finding, Quantity, Verdict, quantity
from lensmaker.report.built import summary_of_built
from lensmaker.report.built_table import CAPTION, built_lines
from lensmaker.report.facts import Fact, as_corrected, counts, facts, gradient_span, meaning, reasons, summary
from lensmaker.report.geometry_table import geometry_lines
from lensmaker.report.geometry_words import summary_of_geometry
from lensmaker.report.notable import FEW, MOST
from lensmaker.report.numbers import number
from lensmaker.report.train_table import FAINT, STYLES, train_lines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table


def render(record: BenchRecord, *, full: bool = False) -> TerminalReport:
    """The record as a rich renderable that fits itself to the console's width.

    Parameters
    ----------
    full
        Show every element; otherwise a train of more than 40 is cut to its notable elements.
    """
    return TerminalReport(record, full)


@dataclass(frozen=True)
class TerminalReport:
    """What `render` returns; print it with `rich.console.Console().print`."""

    record: BenchRecord
    full: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        found = facts(self.record)
        yield _header(self.record, found)
        for index, finding in enumerate(self.record.findings, 1):
            yield _consequence(index, finding) if finding.consequence_of else _finding(index, finding)
        if not self.record.findings:
            broken = sum(fact.verdict is Verdict.NOT_CONVERGED for fact in found)
            but = f", but {_plural(broken, 'measurement')} did not converge" if broken else ""
            yield _text(f"No findings{but}.", "" if broken else "green")
        if self.record.built:
            yield from self._built(options.max_width)
        if self.record.geometry:
            yield from self._geometry(options.max_width)
        yield train_lines(self.record, found, options.max_width, most=None if self.full else MOST)
        yield _text("z: how many errors apart; q, χ and g are compared as ratios, c as a difference", FAINT)
        yield _verdicts(found)
        for reason, (places, first) in reasons(found).items():
            yield _text(f"{reason} ({_plural(places, 'element')}, from {first})", FAINT)
        for note in self.record.notes:
            yield _text(f"Note: {note}", "italic")
        if self.record.corrected:
            yield from self._corrected(options.max_width)

    def _built(self, width: int) -> Iterator[RenderableType]:
        from rich.rule import Rule

        yield Rule(_text("what training built", "bold"))
        yield _text(f"{summary_of_built(self.record)}.")
        yield built_lines(self.record, width, most=None if self.full else FEW)
        yield _text(CAPTION, FAINT)
        if not self.record.geometry:
            yield Rule(_text("the train", "bold"))

    def _geometry(self, width: int) -> Iterator[RenderableType]:
        from rich.rule import Rule

        yield Rule(_text("geometry", "bold"))
        yield _text(summary_of_geometry(self.record.geometry))
        yield geometry_lines(self.record.geometry, width, most=None if self.full else FEW)
        yield Rule(_text("the train", "bold"))

    def _corrected(self, width: int) -> Iterator[RenderableType]:
        """What the correction was predicted to do, beside what it did; it stands last, as it came last."""
        from rich.rule import Rule

        after = as_corrected(self.record)
        found = facts(after)
        yield Rule(_text("after the correction", "bold"))
        yield _text(f"Verdict  {summary(found)}: the predicted effect beside the measured one")
        if span := gradient_span(after):
            yield _text(f"Effect   {span}")
        yield train_lines(after, found, width, most=None if self.full else FEW)


def _header(record: BenchRecord, found: Sequence[Fact]) -> RenderableType:
    from rich.console import Group
    from rich.rule import Rule

    kind = record.training.name.lower()
    return Group(
        Rule(_text(f"lensmaker · {record.model}", "bold")),
        _text(f"Batch    {record.batch}"),
        _text(f"Network  {kind} ({record.training_reason}): {meaning(record.training)}"),
        _text(f"Verdict  {summary(found)}"),
    )


def _finding(index: int, finding: Finding) -> RenderableType:
    from rich import box
    from rich.panel import Panel
    from rich.table import Table

    about = quantity(finding.quantity)
    name = f"{_words(about)} {about.symbol}"
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, words in (
        ("cause", finding.cause),
        ("number", f"{name} = {number(finding.value)}, bound {number(finding.bound)}"),
        ("correction", finding.correction),
        ("effect", finding.predicted_effect),
    ):
        grid.add_row(label, _text(words))
    title = _text(f"finding {index} · {finding.aberration.replace('_', ' ')} · {finding.where}", "bold red")
    return Panel(grid, title=title, title_align="left", border_style="red", box=box.ROUNDED)


def _consequence(index: int, finding: Finding) -> RenderableType:
    name = finding.aberration.replace("_", " ")
    origin, _, where = finding.consequence_of.partition(" at ")
    follows = f"it follows from {origin.replace('_', ' ')} at {where}"
    return _text(f"finding {index} · {name} · {finding.where}: {follows}", "red")


def _verdicts(found: Sequence[Fact]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("quantity", no_wrap=True)
    table.add_column("", no_wrap=True)
    for verdict in Verdict:
        table.add_column(verdict.value, justify="right")
    for about, tally in counts(found).items():
        cells = (_text(str(tally[v]), STYLES[v] if tally[v] else FAINT) for v in Verdict)
        table.add_row(_words(about), about.symbol, *cells)
    return table


def _words(about: Quantity) -> str:
    return about.name.replace("_", " ")


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _text(words: str, style: str = "") -> Any:
    from rich.text import Text

    return Text(words, style=style)
