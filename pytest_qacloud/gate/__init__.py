"""The gate: finds the commits that broke a test, and promotes those that did not."""
