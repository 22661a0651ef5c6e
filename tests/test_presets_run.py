"""Every preset at demo scale, from data to submission and report: one in each run of the tests, the others nightly."""

from __future__ import annotations

from pathlib import Path

import presets as runner
import pytest
from preset_data import IMPLIED

ALWAYS = "jnu_abaw3_au"


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == ALWAYS else pytest.mark.slow) for n in IMPLIED])
def test_a_preset_goes_from_data_to_submission_and_report(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.run(tmp_path, name)
    told = capsys.readouterr().out
    assert told.count("ok: ") == IMPLIED[name].submissions and "offences" not in told
    page = (tmp_path / f"results/{name}/report/index.html").read_text()
    assert all(said in page for said in ("Random weights:", "Made-up data:", "Side by side"))
