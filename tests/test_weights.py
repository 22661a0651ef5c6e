"""Published weights: facts that hold together, states that are true, a fetch that ends verified or says why."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from abaw_pipeline.cli import main
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.published import fetch as fetching
from abaw_pipeline.features.published.cache import cached, download_folder
from abaw_pipeline.features.published.entries import ByHand, Download, HubFile, Licence, Published
from abaw_pipeline.features.published.table import PUBLISHED, published_for
from abaw_pipeline.features.registry import OURS
from abaw_pipeline.features.visual.densenet import DenseNet
from abaw_pipeline.features.weights import FileWeights, PublishedWeights, RandomWeights
from abaw_pipeline.networks.checkpoint import load_weights
from abaw_pipeline.networks.densenet342 import DenseNet342
from tests.file_server import COMMIT, Files, serving
from tests.project import SETTINGS
from tests.test_features_plan import ADAPTER, MINIMAL

CONTENT = np.random.default_rng(0).bytes(5000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LICENCE = Licence("CC-BY-NC-4.0", "forbidden")
NETWORKS = (
    *("mae", "ires100", "fau", "densenet", "ms_va", "regnet", "inception_vggface2", "inception_casia", "poster_vit"),
    *("poster_vit.vit", "scene", "vggish", "vggish.pca", "wav2vec", "hubert", "ecapatdnn", "deepspectrum", "text"),
)


@pytest.fixture
def files() -> Iterator[Files]:
    with serving() as files:
        yield files


@pytest.fixture
def toy(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An entry ``toy`` behind an address of this machine; where its file will lie."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    files.content["/v1/toy.pth"] = CONTENT
    _enter(monkeypatch, files, sha256_prefix=SHA256[:8])
    return tmp_path / "torch" / "hub" / "checkpoints" / "toy.pth"


def _enter(monkeypatch: pytest.MonkeyPatch, files: Files, **known: str) -> None:
    source = Download(f"{files.url}/v1/toy.pth")
    monkeypatch.setitem(PUBLISHED, "toy", Published(source, ("densenet",), LICENCE, "grey 64", "its own", **known))


# Facts


def test_every_network_is_in_the_table() -> None:
    assert {feature for entry in PUBLISHED.values() for feature in entry.features} == set(NETWORKS)


@pytest.mark.parametrize("extractor", sorted(name for name in OURS if not name.startswith("stand_in")))
def test_every_field_that_holds_weights_has_an_entry(extractor: str) -> None:
    spec = OURS[extractor].spec(ADAPTER.validate_python({"extractor": extractor, **MINIMAL[extractor]}))
    assert all(published_for(extractor, field) for field in spec.weights)


@pytest.mark.parametrize("name", PUBLISHED)
def test_digests_are_those_that_file_names_prove(name: str) -> None:
    entry = PUBLISHED[name]
    assert entry.licence.name and entry.input and entry.keys and str(entry.source)
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
    if entry.sha256_prefix is not None:
        assert isinstance(entry.source, Download) and entry.source.file.endswith(f"-{entry.sha256_prefix}.pth")
        assert re.fullmatch("[0-9a-f]{8}", entry.sha256_prefix)


def test_no_source_stands_twice() -> None:
    sources = [str(entry.source) for entry in PUBLISHED.values() if not isinstance(entry.source, ByHand)]
    assert len(set(sources)) == len(sources)


def test_timm_and_torchvision_know_these_addresses_and_licences() -> None:
    from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm

    import timm  # isort: skip
    import torchvision  # isort: skip

    for entry in PUBLISHED.values():
        if isinstance(entry.source, HubFile) and entry.source.repo.startswith("timm/"):
            config = timm.models.get_pretrained_cfg(entry.source.repo.removeprefix("timm/"))
            assert config.hf_hub_id == entry.source.repo and config.license == entry.licence.name.lower()
        if isinstance(entry.source, Download) and "download.pytorch.org" in entry.source.url:
            model = entry.source.file.rsplit("-", 1)[0]
            assert entry.source.url in {w.url for w in torchvision.models.get_model_weights(model)}


def test_downloads_lie_where_torch_puts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variables in ({"TORCH_HOME": str(tmp_path)}, {"XDG_CACHE_HOME": str(tmp_path)}, {}):
        for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(torch.hub, "_hub_dir", None)
        assert download_folder() == Path(torch.hub.get_dir()) / "checkpoints"


# Addresses


def test_a_file_is_fetched_once_and_verified(toy: Path, files: Files) -> None:
    assert cached(PUBLISHED["toy"].source) is None
    assert fetching.fetch("toy") == (toy, SHA256) == fetching.fetch("toy")
    assert toy.read_bytes() == CONTENT and cached(PUBLISHED["toy"].source) == toy
    assert files.asked == [("GET", "/v1/toy.pth", "")] and [*toy.parent.iterdir()] == [toy]


def test_a_broken_download_goes_on_where_it_broke(toy: Path, files: Files) -> None:
    files.breaks = [2000, 1000]
    for have in (2000, 3000):
        with pytest.raises(
            ValueError, match=f"broken off after {have} of 5000 bytes; run again to go on from byte {have}"
        ):
            fetching.fetch("toy")
        assert not toy.exists() and cached(PUBLISHED["toy"].source) is None
    assert fetching.fetch("toy") == (toy, SHA256)
    assert [asked[2] for asked in files.asked] == ["", "bytes=2000-", "bytes=3000-"]


def test_a_server_that_cannot_go_on_begins_anew(toy: Path, files: Files) -> None:
    files.breaks, files.ranges = [2000], False
    with pytest.raises(ValueError, match="broken off"):
        fetching.fetch("toy")
    assert fetching.fetch("toy") == (toy, SHA256)


def test_what_is_left_of_a_longer_file_is_thrown_away(toy: Path, files: Files) -> None:
    toy.parent.mkdir(parents=True)
    toy.with_name("toy.pth.partial").write_bytes(bytes(6000))
    assert fetching.fetch("toy") == (toy, SHA256)


@pytest.mark.parametrize("known", [{"sha256": "0" * 64}, {"sha256_prefix": "00000000"}])
def test_another_digest_is_refused_and_the_file_removed(
    toy: Path, files: Files, monkeypatch: pytest.MonkeyPatch, known: dict[str, str]
) -> None:
    _enter(monkeypatch, files, **known)
    with pytest.raises(ValueError, match=f"its sha256 is {SHA256}, that of 'toy' begins with 0+; it was removed"):
        fetching.fetch("toy")
    assert [*toy.parent.iterdir()] == []


def test_offline_nothing_is_asked(toy: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match=r"toy\.pth: not here, and HF_HUB_OFFLINE forbids to fetch it"):
        fetching.fetch("toy")
    toy.parent.mkdir(parents=True)
    toy.write_bytes(CONTENT)
    assert fetching.fetch("toy") == (toy, SHA256) and not files.asked


def test_errors_are_one_line_and_exit_code_2(toy: Path, files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    files.content.clear()
    for name, message in (
        ("toy", f"{files.url}/v1/toy.pth: Not Found"),
        ("tooy", "no published weights 'tooy'; did you mean 'toy'?"),
        ("fau", "no program can fetch them"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["weights", "fetch", name])
        said = capsys.readouterr().err
        assert stop.value.code == 2 and message in said and said.count("\n") == 1


def test_no_server_is_one_line(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as gone:
        _enter(monkeypatch, gone)
    with pytest.raises(ValueError, match=r"toy\.pth: .*refused"):
        fetching.fetch("toy")


# Hub


HUBERT = "/facebook/hubert-base-ls960/resolve/main/pytorch_model.bin"


def _hub(files: Files, home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    apart = {"HF_ENDPOINT": files.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "5"}
    command = [sys.executable, "-m", "abaw_pipeline", "weights", *arguments]
    environment = {**os.environ, **apart, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_a_hub_is_asked_as_its_variables_say(files: Files, tmp_path: Path) -> None:
    large = CONTENT * 5000  # its library keeps what came in pieces of 10 MiB
    files.content[HUBERT] = large
    files.breaks = [15 << 20]
    first = _hub(files, tmp_path, "fetch", "hubert_base")
    assert first.returncode == 0, first.stderr
    assert hashlib.sha256(large).hexdigest() in first.stdout and "Apache-2.0" in first.stdout
    assert [span for _, _, span in files.asked if span] == [f"bytes={10 << 20}-"]
    (found,) = (tmp_path / "hub").rglob(f"snapshots/{COMMIT}/pytorch_model.bin")
    assert found.read_bytes() == large and str(found) in first.stdout
    files.asked.clear()
    again = _hub(files, tmp_path, "fetch", "hubert_base", HF_HUB_OFFLINE="1")
    assert again.returncode == 0 and again.stdout == first.stdout and not files.asked
    assert re.search(r"hubert_base +present", _hub(files, tmp_path, HF_HUB_OFFLINE="1").stdout)


def test_a_hub_file_with_another_digest_than_it_announces_is_removed(files: Files, tmp_path: Path) -> None:
    files.content[HUBERT], files.etags[HUBERT] = CONTENT, "0" * 64
    done = _hub(files, tmp_path, "fetch", "hubert_base")
    assert done.returncode == 2 and "it was removed" in done.stderr and done.stderr.count("abaw: ") == 1
    assert not [
        path for path in (tmp_path / "hub").rglob("*") if path.is_file() and path.stat().st_size == len(CONTENT)
    ]


def test_a_hub_that_is_not_reached_is_one_line(files: Files, tmp_path: Path) -> None:
    for variables in ({"HF_HUB_OFFLINE": "1"}, {}):
        done = _hub(files, tmp_path, "fetch", "hubert_base", **variables)
        _assert_one_line(done)


def test_a_hub_that_breaks_off_again_and_again_is_one_line(files: Files, tmp_path: Path) -> None:
    files.content[HUBERT], files.breaks = CONTENT, [100] * 40
    _assert_one_line(_hub(files, tmp_path, "fetch", "hubert_base"))
    assert re.search(r"hubert_base +missing", _hub(files, tmp_path).stdout)


def _assert_one_line(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 2 and done.stderr.count("abaw: ") == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("abaw: hub file facebook/hubert-base-ls960")


def test_a_whole_model_is_present_when_its_weights_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    home = tmp_path / "models--FacebookAI--roberta-base"
    folder = home / "snapshots" / COMMIT
    for path, text in ((home / "refs" / "main", COMMIT), (folder / "config.json", "{}")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert cached(PUBLISHED["roberta_base"].source) is None
    (folder / "model.safetensors").write_bytes(b"")
    assert cached(PUBLISHED["roberta_base"].source) == folder


# Settings


def _densenet(weights: Any) -> DenseNet.Settings:
    return DenseNet.Settings(extractor="densenet", weights=weights)


def _published(name: str = "toy") -> PublishedWeights:
    return PublishedWeights(source="published", name=name)


def test_published_weights_count_by_their_bytes(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"not here: 'toy' \(CC-BY-NC-4\.0, no commercial use\), from http.*fetch toy'"
    ):
        plan_feature("x", _densenet(_published()), False)
    fetching.fetch("toy")
    plan = plan_feature("x", _densenet(_published()), False, tmp_path / "digests.json")
    same = plan_feature("x", _densenet(FileWeights(source="file", path=str(toy))), False)
    assert plan.key == same.key and plan.weights == {"weights": {"sha256": SHA256}} and not plan.random
    toy.write_bytes(b"another")
    with pytest.raises(ValueError, match="that of 'toy' begins with"):
        plan_feature("x", _densenet(_published()), False, tmp_path / "digests.json")


def test_published_weights_load(toy: Path, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = load_weights(DenseNet342(), RandomWeights(source="random", seed=3), DenseNet342.INPUT)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    files.content["/v1/toy.pth"] = (tmp_path / "w.pth").read_bytes()
    _enter(monkeypatch, files)
    with pytest.raises(ValueError, match="not here: 'toy'"):
        load_weights(DenseNet342(), _published(), DenseNet342.INPUT)
    fetching.fetch("toy")
    loaded = load_weights(DenseNet342(), _published(), DenseNet342.INPUT).state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in source.state_dict().items())


def test_weights_of_another_network_are_refused(toy: Path) -> None:
    with pytest.raises(
        ValueError, match=r"weights: no published weights 'vggish' for 'densenet'; known: densenet342, toy"
    ):
        plan_feature("x", _densenet(_published("vggish")), False)


def test_without_weights_it_is_said_what_is_missing_its_licence_and_its_source() -> None:
    with pytest.raises(ValueError) as error:
        plan_feature("x", ADAPTER.validate_python({"extractor": "ires100"}), True)
    for part in ("ires100_glint360k", "research only, no commercial use", "github.com/deepinsight/insightface"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_the_list_shows_every_state(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "here.pth").write_bytes(b"")
    features = {
        "drawn": {"extractor": "densenet", "weights": {"source": "random", "seed": 7}},
        "own": {"extractor": "densenet", "weights": {"source": "file", "path": str(tmp_path / "here.pth")}},
        "lost": {"extractor": "densenet", "weights": {"source": "file", "path": str(tmp_path / "lost.pth")}},
        "known": {"extractor": "densenet", "weights": {"source": "published", "name": "toy"}},
        "none": {"extractor": "ires100"},
        "sound": {"extractor": "fbank"},
    }
    settings = tmp_path / "config.yaml"
    settings.write_text(yaml.safe_dump(SETTINGS | {"features": features, "experiments": {}, "ensembles": {}}))
    main_lines = _listed(settings, capsys)
    states = {line.split()[0]: line.split()[1] for line in main_lines}
    asked = {"drawn": "random", "own": "present", "lost": "missing", "known": "missing", "none": "missing"}
    assert {name: states[name] for name in asked} == asked and "sound" not in states
    assert states.keys() >= PUBLISHED.keys() and states["toy"] == "missing"
    (known,) = (line for line in main_lines if line.startswith("  known "))
    assert "CC-BY-NC-4.0" in known and "forbidden" in known and "abaw weights fetch toy" in known
    fetching.fetch("toy")
    states = {line.split()[0]: line.split()[1] for line in _listed(settings, capsys)}
    assert states["known"] == states["toy"] == "present"


def _listed(settings: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(["--config", str(settings), "weights"])
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]


def test_the_list_needs_no_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(_listed(tmp_path / "none.yaml", capsys)) == 1 + len(PUBLISHED)


def test_all_that_is_known_of_one_is_shown(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["weights", "show", "toy"])
    said = capsys.readouterr().out
    for part in ("densenet", "missing", "commercial use forbidden", f"begins with {SHA256[:8]}", "grey 64", "its own"):
        assert part in said
