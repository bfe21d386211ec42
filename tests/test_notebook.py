"""The example notebook runs as it is, in a kernel of its own, and what it shows is drawn."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"


def test_the_first_steps_run(tmp_path: Path) -> None:
    notebook = nbformat.read(FOLDER / "first-steps.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not stored: they would grow stale"
    client = nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    outputs = [out for cell in client.execute().cells for out in cell.get("outputs", [])]
    shown = [out.data.get("text/html", "") for out in outputs if out.output_type == "execute_result"]
    assert sum("<svg" in html for html in shown) == 2  # the sample, and what was recovered
    printed = "".join(out.text for out in outputs if out.output_type == "stream" and out.name == "stdout")
    means = [float(value) for value in re.findall(r"lcss (\d\.\d+) on 5 words", printed)]
    assert len(means) == 2
    assert all(math.isfinite(mean) and 0.2 < mean <= 1 for mean in means)
    assert not [out for out in outputs if out.output_type == "stream" and out.name == "stderr" and "rror" in out.text]
