"""What README and Makefile promise is there: the commands, the graph, the settings that they show."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
import yaml

from abaw_pipeline.cli import VERBS
from abaw_pipeline.settings_file import check
from tests.project import ROOT, Project

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for kind, text in BLOCKS if not kind for line in text.splitlines() if line]


def _edges(graph: str) -> set[tuple[str, str]]:
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    return {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", graph)}


def test_the_graph_of_the_readme_is_the_rule_graph(tmp_path):
    project = Project.copy(tmp_path / "project", yaml.safe_load((ROOT / "config.yaml").read_text()))
    done = project.run("snakemake", "--cores", "1", "--rulegraph", "mermaid-js")
    assert done.returncode == 0, done.stderr
    assert _edges(next(text for kind, text in BLOCKS if kind == "mermaid")) == _edges(done.stdout) != set()
    assert "readme_graph.py" in (ROOT / "Makefile").read_text()
    command = [sys.executable, str(ROOT / "workflow/readme_graph.py")]
    (tmp_path / "README.md").write_text("Text\n```mermaid\nold\n```\nmore\n")
    subprocess.run(command, input=done.stdout, text=True, check=True, cwd=tmp_path)
    drawn = (tmp_path / "README.md").read_text()
    assert _edges(drawn) == _edges(done.stdout) and drawn.startswith("Text\n") and drawn.endswith("```\nmore\n")


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("abaw")])
def test_every_abaw_command_of_the_readme_parses(command):
    words = shlex.split(command)[1:]
    verb = next(word for word in words if word in VERBS)
    done = subprocess.run(
        [sys.executable, "-m", "abaw_pipeline", verb, "--help"], capture_output=True, text=True, check=True
    )
    for option in re.findall(r"--\w+", " ".join(words[words.index(verb) :])):
        assert option in done.stdout


def test_make_commands_of_the_readme_are_targets():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[1] for words in map(str.split, COMMANDS) if words[0] == "make"}
    assert named and named <= targets


def test_every_verb_has_help_and_a_line_in_the_list():
    done = subprocess.run([sys.executable, "-m", "abaw_pipeline", "--help"], capture_output=True, text=True, check=True)
    for verb in VERBS:
        assert f"  {verb} " in done.stdout
        one = subprocess.run(
            [sys.executable, "-m", "abaw_pipeline", verb, "--help"], capture_output=True, text=True, check=False
        )
        assert one.returncode == 0 and "Usage: abaw" in one.stdout, one.stderr


def test_an_unknown_command_is_one_line_with_the_nearest():
    done = subprocess.run([sys.executable, "-m", "abaw_pipeline", "trian"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "abaw: no command 'trian'; did you mean 'train'?\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lint", "va"], "Missing argument 'FILE'. (see 'abaw lint --help')"),
        (["demo", "x", "--clip", "9"], "No such option '--clip'"),
        (["extract", "demo", "f", "--shard", "two"], "'two' is not a valid integer"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_two(words, message):
    done = subprocess.run([sys.executable, "-m", "abaw_pipeline", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert message in done.stderr and done.stderr.startswith("abaw: ")


def test_the_settings_of_the_readme_are_valid(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # nothing was fetched yet
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"anything: only its digest is taken here")
    shown = [re.sub(r"/data/weights/\w+\.pth", str(weights), text) for kind, text in BLOCKS if kind == "yaml"]
    assert len(shown) >= 4
    for text in shown:
        if "source: published" in text:
            with pytest.raises(ValueError, match=r"vggish: weights: not here.*Apache-2\.0.*https://"):
                check(_merged(text), "README.md")
            text = text.replace("{source: published, name: vggish}", "{source: random}")
        check(_merged(text), "README.md")


def _merged(text):
    """Settings that the README shows, in the file that is shipped."""
    base = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw = yaml.safe_load(text.replace("demo: {...}", ""))
    if "presets" in raw:  # a whole file
        return raw
    merged = {key: {**base[key], **raw.get(key, {})} for key in ("datasets", "features", "ensembles")}
    if "affwild2:" in text:  # stands in place of the built-in corpus
        del merged["datasets"]["demo"]
    return {**base, **merged}


@pytest.mark.slow
def test_make_demo_does_the_whole_job_on_a_fresh_copy(tmp_path):
    copy = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
    done = subprocess.run(
        ["make", "--no-print-directory", "demo"], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-3:]
    assert any(line.startswith("submission:") for line in last) and last[-1].startswith("report:")
