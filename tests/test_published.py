"""The page of published numbers: its claims, its verdicts, and how a second call goes on."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

VERIFICATION = Path(__file__).parents[1] / "verification"
sys.path.insert(0, str(VERIFICATION))

import claims  # noqa: E402
import paper  # noqa: E402


def test_every_claim_has_a_name_of_its_own() -> None:
    names = [claim.name for claim in paper.all_claims()]
    assert len(names) == len(set(names)) >= 40
    assert all(name.replace("-", "").isalnum() for name in names)


def test_printed_numbers_stand_for_what_is_rounded_to_them() -> None:
    assert claims.compare_number(0.02508, "0.0251", error=0.0).verdict == claims.AGREES
    assert claims.compare_number(0.02516, "0.0251", error=0.0).verdict == claims.DISAGREES
    assert claims.compare_number(0.02516, "0.0251", error=2e-5).verdict == claims.AGREES


@pytest.mark.parametrize(("count", "verdict"), [(150, claims.AGREES), (250, claims.DISAGREES)])
def test_shares_are_compared_as_two_samples(count: int, verdict: str) -> None:
    finding = claims.compare_shares(count, 1000, 0.15, 1000)
    assert finding.verdict == verdict
    # Both samples have variance p (1 - p) / 1000 around the pooled share.
    pooled = (count / 1000 + 0.15) / 2
    expected = (count / 1000 - 0.15) / (2 * pooled * (1 - pooled) / 1000) ** 0.5
    assert finding.z == pytest.approx(expected)


def test_a_second_call_computes_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    arguments = ["--only", "zero-loss-isolated-2", "--folder", str(tmp_path)]
    first = runner.invoke(paper.main, arguments)
    assert first.exit_code == 0, first.output
    page = (tmp_path / "index.html").read_text()
    assert "agrees" in page
    assert "Lin, Li and Wu 2024" in page
    (claim,) = [c for c in paper.all_claims() if c.name == "zero-loss-isolated-2"]
    kept = paper.found_before(tmp_path / f"{claim.name}.json", claim)
    assert kept is not None
    assert kept[0].verdict == claims.AGREES
    # A claim that has changed, or a file that was cut, is computed again.
    assert (
        paper.found_before(tmp_path / f"{claim.name}.json", replace(claim, published="3")) is None
    )
    monkeypatch.setattr(paper, "all_claims", lambda: [replace(claim, find=_never)])
    record = json.loads((tmp_path / f"{claim.name}.json").read_text())
    assert record["seconds"] >= 0.0
    (tmp_path / f"{claim.name}.json").write_text("{")
    assert isinstance(runner.invoke(paper.main, arguments).exception, RuntimeError)


def test_an_unknown_name_is_refused() -> None:
    result = CliRunner().invoke(paper.main, ["--only", "nothing"])
    assert result.exit_code == 2
    assert "begins with 'nothing'" in result.output


def _never() -> claims.Finding:
    raise RuntimeError("computed again")
