"""``docs/faults.md`` has a row for every fault of this suite."""

import pytest

from impurity_grasp_ros.resources import resource


def test_the_page_has_a_row_for_every_fault_collected(request: pytest.FixtureRequest) -> None:
    page = resource("docs/faults.md").read_text(encoding="utf-8")
    marks = [mark for item in request.session.items for mark in item.iter_markers("fault")]
    missing = sorted({mark.args[0] for mark in marks if f"| {mark.args[0]} |" not in page})
    assert not missing, "run: bash scripts/test.sh test/faults --fault-table docs/faults.md"
