"""A bench record as one HTML file that needs nothing else: no network, no server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lensmaker.core import AGREEMENT_Z, BenchRecord, Verdict
from lensmaker.report.built import COLUMNS as BUILT_COLUMNS
from lensmaker.report.built import built_cells, summary_of_built
from lensmaker.report.facts import Fact, as_corrected, counts, facts, gradient_span, meaning, reasons, summary
from lensmaker.report.geometry_page import READ_BY, geometry_parts
from lensmaker.report.payload import CSS, WORDS, payload
from lensmaker.report.prescription import COLUMNS, prescription_rows
from lensmaker.report.templating import fill, finding_rows, template


def to_html(record: BenchRecord, *, cites: Mapping[str, Sequence[str]] | None = None) -> str:
    """The whole report: findings, the optical train, the table of comparisons, prescription and sources.

    Parameters
    ----------
    cites
        For each theory and instrument named in the record, the keys of the references it rests on.

    Notes
    -----
    The page carries plotly.js (4.8 MB) and a content security policy under which a browser fetches nothing.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    found = facts(record)
    return fill(
        "report.html.j2",
        record=record,
        agreement=f"{AGREEMENT_Z:g}",
        summary=summary(found),
        meaning=meaning(record.training),
        findings=finding_rows(record),
        broken=sum(f.verdict is Verdict.NOT_CONVERGED for f in found),
        effect=_effect(record),
        tally=_tally(found),
        built=(f"{summary_of_built(record)}." if record.built else "", BUILT_COLUMNS, built_cells(record)),
        geometry=geometry_parts(record.geometry),
        counts=[(q, [tally[v] for v in Verdict]) for q, tally in counts(found).items()],
        reasons=reasons(found),
        quantities=list(dict.fromkeys(f.quantity for f in found)),
        prescription=(COLUMNS, prescription_rows(record.elements)),
        sources=_sources(record, found, cites or {}),
        verdicts=[(CSS[v], WORDS[CSS[v]]) for v in Verdict],
        data=Markup(_script_json(payload(record, found))),
        css=Markup(template("report.css")),
        scripts=[Markup(template(name)) for name in ("glyphs.js", "train.js", "table.js", "page.js")],
        plotly=Markup(get_plotlyjs()),
    )


def _script_json(value: Any) -> str:
    """JSON that no HTML parser can leave: `</script>` and `<!--` cannot occur in it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )


def _tally(found: Sequence[Fact]) -> list[tuple[str, str, int, float]]:
    """For each verdict its class, its words, how many comparisons have it and what per cent that is."""
    total: Counter[Verdict] = sum(counts(found).values(), Counter())
    return [(CSS[v], WORDS[CSS[v]], total[v], 100 * total[v] / total.total()) for v in Verdict if total[v]]


def _effect(record: BenchRecord) -> str:
    """What the correction did beside what was predicted of it; "" where none was applied."""
    if not record.corrected:
        return ""
    after = as_corrected(record)
    return "; ".join(filter(None, (gradient_span(after), summary(facts(after)))))


def _sources(
    record: BenchRecord, found: Sequence[Fact], cites: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, Sequence[str]]]:
    """Each theory and instrument that signed a number, and the references it rests on."""
    theories = dict.fromkeys(f.prediction.theory for f in found if f.prediction)
    instruments = dict.fromkeys(f.measurement.instrument for f in found if f.measurement)
    named = [("theory", name) for name in theories] + [("instrument", name) for name in instruments]
    named += READ_BY if record.geometry else []
    return [(kind, name, cites.get(name, ())) for kind, name in named]
