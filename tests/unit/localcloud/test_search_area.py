"""Areas of searches are the great-circle areas that the Common Metadata Repository means."""

from __future__ import annotations

import pytest
import shapely

from trackbench.errors import InputError
from trackbench.localcloud import search_area


def test_bounding_box_crosses_the_antimeridian() -> None:
    """A box whose west is greater than its east is two boxes."""
    area = search_area.bounding_box("170,-10,-170,10")
    assert area.intersects(shapely.Point(179, 0))
    assert area.intersects(shapely.Point(-179, 0))
    assert not area.intersects(shapely.Point(0, 0))
    assert area.area == pytest.approx(400)


def test_polygon_edges_are_great_circles() -> None:
    """The northern edge of a wide polygon bulges towards the pole."""
    area = search_area.polygon("-60,60,0,60,0,70,-60,70,-60,60")
    assert area.intersects(shapely.Point(-30, 71.5))
    assert not area.intersects(shapely.Point(-30, 60.5))
    assert area.intersects(shapely.Point(-60, 70))


def test_polygon_across_the_antimeridian() -> None:
    """A polygon may cross the antimeridian."""
    area = search_area.polygon("175,-80,-175,-80,-175,-75,175,-75,175,-80")
    assert area.intersects(shapely.Point(179, -77))
    assert area.intersects(shapely.Point(-179, -77))
    assert not area.intersects(shapely.Point(170, -77))


@pytest.mark.parametrize(
    ("ring", "inside", "outside"),
    [
        ("0,80,90,80,180,80,-90,80,0,80", (45, 89), (45, -89)),
        ("0,-80,-90,-80,180,-80,90,-80,0,-80", (45, -89), (45, 89)),
    ],
    ids=["north", "south"],
)
def test_polygon_around_a_pole(ring: str, inside: tuple[float, float], outside: tuple[float, float]) -> None:
    """A ring around a pole holds the pole to its left."""
    area = search_area.polygon(ring)
    assert area.intersects(shapely.Point(inside))
    assert area.intersects(shapely.Point(-inside[0], inside[1]))
    assert not area.intersects(shapely.Point(outside))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0,0,0,10,10,10,10,0,0,0", "wrong order"),
        ("0,0,10,0,10,10,0,10", "not closed"),
        ("0,0,10,0,0,0", "at least 4 points"),
        ("0,0,10,x,0,0,1,1", "not a list of numbers"),
    ],
)
def test_polygons_that_are_refused(text: str, complaint: str) -> None:
    """Clockwise, open, short and unreadable rings are refused with the reason."""
    with pytest.raises(InputError, match=complaint):
        search_area.polygon(text)


def test_point_circle_and_line() -> None:
    """Points, circles in metres and lines are areas too."""
    assert search_area.point("10,20").equals(shapely.Point(10, 20))
    circle = search_area.circle("10,20,111000")
    assert circle.intersects(shapely.Point(10, 20.99))
    assert not circle.intersects(shapely.Point(10, 21.01))
    line = search_area.line("0,0,90,0")
    assert line.distance(shapely.Point(45, 0)) < 1e-6


@pytest.mark.parametrize("text", ["1,2,3", "0,10,1,5", "-190,0,1,1"])
def test_bounding_boxes_that_are_refused(text: str) -> None:
    """Boxes with too few numbers, upside down or out of range are refused."""
    with pytest.raises(InputError):
        search_area.bounding_box(text)
