"""The templates of the page and of the notebook, filled with everything escaped."""

from __future__ import annotations

from importlib import resources
from typing import Any

from lensmaker.core import BenchRecord, quantity
from lensmaker.report.facts import train
from lensmaker.report.numbers import number


def template(name: str) -> str:
    """The text of a file in the templates folder."""
    return (resources.files("lensmaker.report") / "templates" / name).read_text(encoding="utf-8")


def fill(name: str, **values: Any) -> str:
    """A template with its values; what is not `Markup` is escaped, a missing value raises."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)


def finding_rows(record: BenchRecord) -> list[dict[str, Any]]:
    """The findings as templates want them: worded, with the element's position in the train."""
    places = {where: i for i, where in reversed(tuple(enumerate(train(record))))}
    return [
        {
            "finding": finding,
            "element": places.get(finding.where),
            "title": finding.aberration.replace("_", " ").capitalize(),
            "quantity": quantity(finding.quantity),
            "value": number(finding.value),
            "bound": number(finding.bound),
        }
        for finding in record.findings
    ]
