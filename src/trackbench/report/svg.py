"""Turn a matplotlib figure into an SVG that may stand inside a page, beside others."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from trackbench.report import colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# One unit of the drawing is one CSS pixel.
_PIXELS_PER_INCH: Final = 72

_HEAD: Final = re.compile(
    r"^.*?<svg [^>]*>\s*<metadata>.*?</metadata>\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL
)
_FONT: Final = re.compile(r"font-family: [^;\"]*;? ?")
_IDLE_TURN: Final = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_INDENT: Final = re.compile(r"\n\s+(?=<)")
_NAMED_GROUP: Final = re.compile(r'<g id="[^"]*">')
_NAME: Final = re.compile(r'(\bid="|url\(#|href="#)')
_DECIMALS: Final = re.compile(r"(-?\d+\.\d{2})\d+")
_COORDINATES: Final = re.compile(r'(?<= )(d|x|y|points)="[^"]*"')


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of `width` by `height` pixels that lets the page show through."""
    figure = Figure(figsize=(width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), dpi=_PIXELS_PER_INCH)
    figure.patch.set_visible(False)
    return figure


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a place given in pixels from the top left corner."""
    full_width, full_height = figure.get_size_inches() * _PIXELS_PER_INCH
    added = figure.add_axes(
        (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
    )
    added.patch.set_visible(False)
    return added


def inline_svg(figure: Figure, name: str, title: str, description: str, css_class: str = "") -> Markup:
    """Return the figure as an ``<svg>`` element for an HTML page.

    Text stays text in the page's own font, colours become the page's variables, and every id starts with `name`:
    ids of several drawings in one page would collide otherwise. The same figure gives the same text.

    Parameters
    ----------
    figure
        Drawn with the markers of `trackbench.report.colours`.
    name
        Letters, digits and hyphens; no two drawings of a page share one.
    title, description
        What a screen reader says.
    css_class
        Further classes of the element.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "hatch.linewidth": 2.0}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    width, height = figure.get_size_inches() * _PIXELS_PER_INCH
    body = _HEAD.sub("", buffer.getvalue(), count=1)
    for pattern in (_FONT, _IDLE_TURN):
        body = pattern.sub("", body)
    body = _NAMED_GROUP.sub("<g>", body)
    body = _INDENT.sub("\n", body)
    body = _COORDINATES.sub(lambda found: _DECIMALS.sub(r"\1", found[0]).replace("\n", ""), body)
    body = _NAME.sub(rf"\g<1>{name}-", body)
    for colour in colours.ALL:
        body = body.replace(colour.marker, f"var({colour.variable})")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img"'
        f' class="chart {escape(css_class)}" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    # Matplotlib escapes every text that it draws; title and description are escaped here.
    return Markup(head + body)  # noqa: S704
