"""Yields drift plots: each cell's blocks against its own mean, in the order they ran. It voids no block."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.findings import Cell
from reports import format as text
from reports.chart import log_ticks, padded
from reports.style import WIDTH, colour
from reports.svg import inline, new_figure, place_axes, pointed, styled

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 170, 8, 36, 46, 12


def relative(cell: Cell) -> tuple[float, ...]:
    """Each block's mean over the mean of all blocks of the cell."""
    means = np.asarray(cell.block_means)
    return tuple(float(value) for value in means / means.mean())


def typical(cells: Sequence[Cell]) -> tuple[float, ...]:
    """The median over the cells of their relative block means, block by block."""
    return tuple(float(value) for value in np.median(np.asarray([relative(cell) for cell in cells]), axis=0))


def header() -> tuple[str, ...]:
    """The columns of the data table beside a drift plot."""
    return ("block, in order of running", "median over the cells", "lowest cell", "highest cell")


def data(cells: Sequence[Cell]) -> tuple[tuple[str, ...], ...]:
    """The numbers that a drift plot shows, as text."""
    columns = np.asarray([relative(cell) for cell in cells]).T
    return tuple(
        (str(number), text.ratio(middle), text.ratio(float(column.min())), text.ratio(float(column.max())))
        for number, (middle, column) in enumerate(zip(typical(cells), columns, strict=True), start=1)
    )


def draw(cells: Sequence[Cell], *, identifier: str, alternative: str) -> Markup:
    """The plot: blocks across, block mean over cell mean up; a thin line per cell and a bold one for their median."""
    with styled():
        figure = new_figure(width=WIDTH, height=_HEIGHT)
        width, height = WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        axes = place_axes(figure, left=_LEFT, top=_TOP, width=width, height=height)
        blocks = range(1, len(cells[0].block_means) + 1)
        low, high = padded([value for cell in cells for value in relative(cell)])
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        ticks = log_ticks(low, high, most=5)
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(list(blocks)))
        axes.xaxis.set_major_formatter(FixedFormatter([str(number) for number in blocks]))
        axes.set_xlabel("block, in order of running")
        axes.axhline(1, color=colour("quiet"), linewidth=0.8, dashes=(3, 2))
        for cell in cells:
            axes.plot(blocks, relative(cell), color=colour("series1"), linewidth=0.7, alpha=0.45)
        axes.plot(blocks, typical(cells), "o-", color=colour("series2"), linewidth=2, markersize=4)
        for number in blocks:
            pointed(axes.axvspan(number - 0.5, number + 0.5, facecolor="none"), row=number - 1)
        return inline(figure, identifier=identifier, alternative=alternative)
