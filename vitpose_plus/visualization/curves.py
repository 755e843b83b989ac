"""Plots of curves: a panel for each quantity, a line for each training."""

from collections.abc import Collection, Mapping
from math import ceil, inf, isfinite
from pathlib import Path

COLUMNS = 4  # panels beside each other
PANEL_WH = (4.2, 3.2)  # inches
DECADE = 10.0  # a panel is logarithmic if its largest value is this multiple of the smallest one

Line = Mapping[int, float]  # place on the horizontal axis -> value


def draw_curves(
    panels: Mapping[str, Mapping[str, Line]],
    units: Mapping[str, str],
    path: str | Path,
    logarithmic: Collection[str] = (),
) -> None:
    """Writes a plot. It has a legend if there are several trainings.

    Args:
        panels: The lines of each quantity, by the name of their training.
        units: The label of each quantity's horizontal axis.
        path: The file to write. Its ending is that of a format of matplotlib.
        logarithmic: The quantities that have a logarithmic axis if their values are positive and
            spread over more than a decade.
    """
    from matplotlib.figure import Figure  # without pyplot no window can open

    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)
    figure = Figure((columns * PANEL_WH[0], rows * PANEL_WH[1] + 0.5), layout='constrained')
    all_axes = figure.subplots(rows, columns, squeeze=False).flat
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    drawn = {}
    for axes, (quantity, lines) in zip(all_axes, panels.items(), strict=False):
        axes.set_title(quantity)
        axes.set_xlabel(units[quantity])
        axes.grid(alpha=0.3)
        for name, line in lines.items():
            style = dict(color=f'C{names.index(name)}', marker='.' if len(line) < 30 else None)
            [drawn[name]] = axes.plot(list(line), list(line.values()), **style)
        if quantity in logarithmic and spans_a_decade(lines):
            axes.set_yscale('log')
    for axes in all_axes[len(panels) :]:
        axes.axis('off')
    if len(drawn) > 1:
        ncols = min(len(drawn), COLUMNS)
        figure.legend(drawn.values(), drawn, loc='outside lower center', ncols=ncols)
    figure.savefig(path, dpi=110)


def spans_a_decade(lines: Mapping[str, Line]) -> bool:
    """Whether all finite values are positive, and the largest is at least ten times the least."""
    values = [value for line in lines.values() for value in line.values() if isfinite(value)]
    least = min(values, default=inf)
    return least > 0 and DECADE * least <= max(values, default=0.0)
