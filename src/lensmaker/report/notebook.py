"""A bench record in a notebook cell: findings, the rays as one small drawing, how often they agree."""

from __future__ import annotations

from lensmaker.core import BenchRecord, Verdict
from lensmaker.report.built import COLUMNS, built_cells, summary_of_built
from lensmaker.report.drawing import rays_svg
from lensmaker.report.facts import counts, facts, meaning, reasons, summary
from lensmaker.report.geometry_page import geometry_parts
from lensmaker.report.notable import FEW
from lensmaker.report.payload import CSS, WORDS
from lensmaker.report.templating import fill, finding_rows


def to_notebook_html(record: BenchRecord) -> str:
    """An HTML fragment for `_repr_html_`: no script, no style sheet, colours that stand on light and dark."""
    from markupsafe import Markup

    found = facts(record)
    return fill(
        "notebook.html.j2",
        record=record,
        summary=summary(found),
        meaning=meaning(record.training),
        findings=finding_rows(record),
        built=(f"{summary_of_built(record)}." if record.built else "", COLUMNS, built_cells(record, FEW)),
        drawing=Markup(rays_svg(record, found)),
        geometry=geometry_parts(record.geometry),
        verdicts=[WORDS[CSS[v]] for v in Verdict],
        counts=[(q, [tally[v] for v in Verdict]) for q, tally in counts(found).items()],
        reasons=reasons(found),
    )
