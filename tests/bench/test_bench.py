import json
import subprocess
import sys

import pytest

from bench.__main__ import run
from bench.harness.result import Result


def seconds(figure):
    """A bench whose one claim is that it takes at most two seconds."""

    def measure(quick):
        print("measuring …")
        return Result({"seconds": figure, "rows": 10 if quick else 1000}, {"seconds": ("<=", 2.0)})

    return measure


def test_the_last_line_is_json_of_figures_and_targets(capsys):
    assert run("trivial", seconds(1.5), quick=True, check=False) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[0] == "measuring …"
    assert json.loads(last) == {
        "bench": "trivial",
        "figures": {"seconds": 1.5, "rows": 10},
        "targets": {"seconds": ["<=", 2.0]},
    }


@pytest.mark.parametrize(("figure", "code"), [(1.5, 0), (2.0, 0), (2.001, 1), (None, 1)])
def test_check_fails_on_a_figure_that_misses_its_target(capsys, figure, code):
    assert run("trivial", seconds(figure), quick=False, check=True) == code
    assert run("trivial", seconds(figure), quick=False, check=False) == 0
    assert ("MISSES <= 2" in capsys.readouterr().out) == bool(code)


@pytest.mark.parametrize(
    ("comparison", "holds"), [("<=", [True, True, False]), (">=", [False, True, True]), ("==", [False, True, False])]
)
def test_comparisons(comparison, holds):
    found = [not Result({"leaks": leaks}, {"leaks": (comparison, 1)}).misses() for leaks in (0, 1, 2)]
    assert found == holds


def test_a_target_without_a_figure_is_a_mistake():
    with pytest.raises(KeyError):
        Result({}, {"leaks": ("==", 0)}).misses()


def test_the_command_knows_its_benches():
    done = subprocess.run([sys.executable, "-m", "bench", "no-such-bench"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "overhead" in done.stderr
