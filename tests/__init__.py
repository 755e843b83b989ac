"""The tests. Their folders have the names of the package's folders."""
