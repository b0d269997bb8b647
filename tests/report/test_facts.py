"""The facts behind every report: order, partners, verdicts, and what is worth a line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lensmaker.core import Verdict, Where
from lensmaker.report import to_html
from lensmaker.report.facts import counts, facts, interval, reasons, summary, train
from lensmaker.report.families import Family, family
from lensmaker.report.notable import notable
from report.records import collapsing_mlp, long_transformer, pair, residual_network


def test_importing_reports_is_light() -> None:
    code = (
        "import sys, lensmaker.report;"
        "print(sorted({'torch', 'rich', 'pandas', 'plotly', 'jinja2', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_facts_follow_the_train_and_join_partners() -> None:
    record = residual_network()
    found = facts(record)
    elements = [f.element for f in found]
    assert elements == sorted(elements)
    assert len(found) == len(record.comparisons) + len(record.measurements)
    assert sum(f.comparison is not None for f in found) == len(record.comparisons)
    assert all(train(record)[f.element] == f.where for f in found)


def test_counts_and_reasons_agree_with_the_record() -> None:
    record = long_transformer()
    tally = counts(facts(record))
    for verdict in Verdict:
        assert sum(t[verdict] for t in tally.values()) == sum(
            c.verdict is verdict for c in record.comparisons
        )
    assert [n for n, _ in reasons(facts(record)).values()] == [45, 22, 5]
    assert summary(facts(record)).startswith("1964 of 2500 comparisons agree")


def test_an_interval_is_the_z_score_s() -> None:
    """A measurement without error at the edge of the ± 2 band has |z| = 2, on both scales."""
    for name in ("chi", "mean"):
        c = pair(name, Where("a"), 0.7, 0.2, 1.0, 0.0)
        for value, z in zip(interval(0.7, 0.2, c.quantity, 2.0), (-2, 2), strict=True):
            assert pair(name, Where("a"), 0.7, 0.2, value, 0.0).z_score == pytest.approx(z, rel=1e-12)


def test_notable_keeps_findings_and_is_short_for_any_network() -> None:
    off = frozenset({Verdict.DEVIATES})
    alternating = [off if i % 2 else frozenset() for i in range(500)]
    worst = [10.0 if i == 301 else 4.0 if i % 2 else 0.0 for i in range(500)]
    chosen = notable(alternating, worst, {100, 200})
    assert {0, 100, 200, 301, 499} <= chosen
    assert len(chosen) <= 45


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("linear", Family.LINEAR),
        ("embedding", Family.LINEAR),
        ("conv_transpose2d", Family.CONVOLUTION),
        ("batch_norm", Family.NORMALISATION),
        ("gelu", Family.ACTIVATION),
        ("log_softmax", Family.ACTIVATION),
        ("scaled_dot_product_attention", Family.ATTENTION),
        ("lstm", Family.RECURRENT),
        ("add_", Family.ADDITION),
        ("cat", Family.JOINING),
        ("max_pool2d", Family.POOLING),
        ("mul", Family.PRODUCT),
        ("dropout", Family.DROPOUT),
        ("cross_entropy", Family.LOSS),
        ("view", Family.OTHER),
        ("getitem", Family.OTHER),
        ("expand", Family.OTHER),
    ],
)
def test_families(operation: str, expected: Family) -> None:
    element = collapsing_mlp().elements[1]
    assert family(type(element)(element.where, operation, (), ())) is expected


def test_sources_name_their_references() -> None:
    html = to_html(collapsing_mlp(), cites={"mean_field": ("poole2016",)})
    assert '<a href="#reference-poole2016">poole2016</a>' in html
    assert 'id="reference-poole2016"' in html


def test_the_page_fetches_nothing_by_markup() -> None:
    html = to_html(collapsing_mlp()).split("<script>")[0]
    assert "http://" not in html
    assert "https://" not in html
