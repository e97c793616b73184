from __future__ import annotations

from xml.etree import ElementTree

from tests.support.paths import ROOT
from tools.architecture_picture import ARROWS, BOXES, HEIGHT, WIDTH, picture


def test_the_picture_is_fresh() -> None:
    assert (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8") == picture(), "run make docs"


def test_it_shows_every_box_and_arrow_within_its_frame() -> None:
    root = ElementTree.fromstring(picture())
    kinds = [(element.tag.rpartition("}")[2], element) for element in root.iter()]
    boxes = [element for kind, element in kinds if kind == "rect"]
    assert len(boxes) == len(BOXES)
    assert len([element for kind, element in kinds if kind == "path" and element.get("class") == "arrow"]) == len(ARROWS)
    for box in boxes:
        assert 0 < float(box.attrib["x"]) < WIDTH - float(box.attrib["width"])
        assert 0 < float(box.attrib["y"]) < HEIGHT - float(box.attrib["height"])
    words = {element.text for kind, element in kinds if kind == "text"}
    assert {title for _, _, title, _ in BOXES.values()} | {word for _, _, word, _ in ARROWS} <= words
