"""Bars of the HTML report: as wide as their counts, each with its label and its number, whatever the labels hold."""

from __future__ import annotations

from xml.etree import ElementTree

from trainer.check.bar_chart import bar_chart


def parts(svg: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(tag))


def widths(svg: str) -> list[float]:
    return [float(rect.attrib["width"]) for rect in parts(svg, "rect")]


def test_bars_are_as_wide_as_their_counts() -> None:
    assert widths(bar_chart("t", [("1", 400), ("2 to 3", 100), ("4 to 7", 0)], "users")) == [500.0, 125.0, 0.0]


def test_a_count_beside_a_great_one_can_be_seen() -> None:
    assert widths(bar_chart("t", [("a", 10**9), ("b", 1)], "users")) == [500.0, 1.0]


def test_each_bar_tells_its_label_and_its_count() -> None:
    svg = bar_chart('by "weight" & <time>', [("<script>", 1234), ("b", 5)], "users")
    assert [text.text for text in parts(svg, "text")] == ["<script>", "1,234", "b", "5"]
    assert [title.text for title in parts(svg, "title")] == ["<script>: 1,234 users", "b: 5 users"]
    assert ElementTree.fromstring(svg).attrib["aria-label"] == 'by "weight" & <time>'


def test_nothing_lies_outside_the_picture() -> None:
    svg = bar_chart("t", [(f"{n}", n * 10**9) for n in range(24)], "interactions")
    _, _, width, height = map(float, ElementTree.fromstring(svg).attrib["viewBox"].split())
    assert all(float(text.attrib["y"]) < height and float(text.attrib["x"]) < width for text in parts(svg, "text"))
    assert all(float(rect.attrib["y"]) + float(rect.attrib["height"]) <= height for rect in parts(svg, "rect"))


def test_no_bars_are_an_empty_picture() -> None:
    assert parts(bar_chart("t", [], "users"), "rect") == []
