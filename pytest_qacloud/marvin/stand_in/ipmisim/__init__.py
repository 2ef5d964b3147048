"""In the place of ipmisim where it is not installed, so that suites with tests that need no BMC can be imported."""
