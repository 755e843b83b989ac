"""Exported files of models, not compared with torch."""

from pathlib import Path

from vitpose_plus.export.capturing import capture
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.exporters import EXPORTERS
from vitpose_plus.export.graphs import graph_of


def write(model, folder, name, endings=tuple(EXPORTERS), options=None):
    """Writes a model in several formats; returns the files by their endings."""
    description = describe(model, options or Options())
    graph = graph_of(model.network, description)
    paths = {ending: Path(folder, f'{name}{ending}') for ending in endings}
    for ending, path in paths.items():
        program = capture(graph, description)  # an exporter may change it
        EXPORTERS[ending][description.precision]().write(program, description, path)
    return paths
