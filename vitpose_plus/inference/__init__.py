"""From pictures to poses: sources, boxes, the model, results and their formats."""
