"""The page of ``vitpose app``: its predictions and limits, and the page itself."""
