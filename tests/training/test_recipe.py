"""Recipes are checked whole before anything is trained, and the message names file and entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from kalamos.errors import ModelError
from kalamos.models.weights import SHIPPED
from kalamos.storage.weights import load_weights
from kalamos.training import recipe as room
from kalamos.training.loop import learner_for
from kalamos.training.recipe import Recipe, weights_folder

SOURCE = '[[source]]\ncorpus = "synthetic"\n'
BAD = [
    ("samples", 'samples = "many"', ""),
    ("samples", "samples = 2e3", ""),
    ("samples", "samples = -5", ""),
    ("chunk", "chunk = 0", ""),
    ("budget", "budget = true", ""),
    ("threads", "threads = 0", ""),
    ("validate_every", "validate_every = 0", ""),
    ("validation_inks", "validation_inks = 0", ""),
    ("patience", 'patience = "x"', ""),
    ("average", "average = 2.0", ""),
    ("learning_rate", "learning_rate = -1.0", ""),
    ("clip", "clip = 0.0", ""),
    ("hide_script", "hide_script = nan", ""),
    ("model", 'model = "kalamoss"', ""),
    ("style", 'style = "cleann"', ""),
    ("looks", "looks = 3", ""),
    ("scann", "[looks]\nscann = 1.0", ""),
    ("scan", "[looks]\nscan = -1.0", ""),
    ("looks", "[looks]\nscan = 0", ""),
    ("widht", "[ranges]\nwidht = [1, 2]", ""),
    ("width_px", "[ranges]\nwidth_px = 2", ""),
    ("pen_px", "[ranges]\npen_px = [0, 2]", ""),
    ("source", 'source = "unipen"', None),
    ("source", "samples = 5", None),
    ("corpus", "", "[[source]]\nshare = 1.0"),
    ("shaer", "", SOURCE + "shaer = 1.0"),
    ("share", "", SOURCE + "share = -1.0"),
    ("share", "", SOURCE + "share = 0"),
    ("share", "", SOURCE + 'share = "a"'),
    ("number 2", "", SOURCE + SOURCE + "parts = 5"),
    ("frame", "", SOURCE + 'frame = "wide"'),
    ("levels", "", SOURCE + 'levels = "character"'),
    ("levels", "", SOURCE + 'levels = ["wrod"]'),
    ("folder", "", SOURCE + "folder = 3"),
    ("writers", "", SOURCE + "options = { writers = 4 }"),
]


@pytest.mark.parametrize(("named", "above", "source"), BAD)
def test_what_cannot_be_trained_is_refused_by_name(named: str, above: str, source: str | None, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f"{above}\n{source if source else SOURCE if source == '' else ''}\n")
    with pytest.raises(ModelError, match=rf"mine\.toml: .*{named}"):
        Recipe.read(file)


def test_a_network_of_wrong_sizes_is_refused_by_name() -> None:
    for sizes in ({"wdith": 3}, {"channels": "x"}, {"heads": 0}, {"channels": 30, "heads": 4}):
        with pytest.raises(ModelError, match=r"\[network\]"):
            learner_for(Recipe.read({"network": sizes, "source": [{"corpus": "synthetic"}]}))


def test_without_a_network_that_of_the_weights_is_taken_and_another_is_refused_with_theirs() -> None:
    start = {"init_from": "kalamos", "source": [{"corpus": "synthetic"}]}
    sizes = load_weights(SHIPPED / "kalamos", "kalamos").config["sizes"]
    assert learner_for(Recipe.read(start)).config()["sizes"]["encoder_layers"] == sizes["encoder_layers"]
    with pytest.raises(ModelError, match=r"init_from: .*the weights are of a network of .*'channels': 128"):
        learner_for(Recipe.read({**start, "network": {"channels": 64}}))
    with pytest.raises(ModelError, match=r"nowhere:Thing cannot be loaded"):
        learner_for(Recipe.read({**start, "model": "nowhere:Thing"}))


def test_weights_are_named_by_a_model_or_a_path_and_shipped_ones_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = SHIPPED / "kalamos"
    assert weights_folder("kalamos") == weights_folder("kalamos+writer") == shipped
    assert weights_folder("kalamos/models/weights/kalamos") == shipped
    assert weights_folder("kalamos/models/weights/mine") == SHIPPED / "mine"
    assert weights_folder("runs/best") == Path("runs/best")
    (tmp_path / "kalamos/models/weights/kalamos").mkdir(parents=True)
    assert weights_folder("kalamos/models/weights/kalamos") == Path("kalamos/models/weights/kalamos")


def test_the_shipped_recipes_can_be_read() -> None:
    folder = Path(room.__file__).parent / "recipes"
    for file in folder.glob("*.toml"):
        recipe = Recipe.read(file)
        assert recipe.model == file.stem
        assert recipe.source
