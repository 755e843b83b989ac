"""Laws and numbers; the folders mirror those of the package."""
