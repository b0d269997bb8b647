"""Records → terminal, notebook, HTML, JSON."""

from lensmaker.report.criticality_terminal import criticality_plot
from lensmaker.report.frame import to_frame
from lensmaker.report.html import to_html
from lensmaker.report.json import from_json, geometry_json, to_json
from lensmaker.report.lists import quantities_table, references, table
from lensmaker.report.notebook import to_notebook_html
from lensmaker.report.plan_terminal import plan_plot
from lensmaker.report.prescription import prescription_table
from lensmaker.report.scan_terminal import scan_plot
from lensmaker.report.terminal import render
from lensmaker.report.write import write_bytes, write_text

__all__ = [
    "criticality_plot",
    "from_json",
    "geometry_json",
    "plan_plot",
    "prescription_table",
    "quantities_table",
    "references",
    "render",
    "scan_plot",
    "table",
    "to_frame",
    "to_html",
    "to_json",
    "to_notebook_html",
    "write_bytes",
    "write_text",
]
