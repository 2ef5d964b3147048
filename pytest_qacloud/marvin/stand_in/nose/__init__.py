"""The parts of nose that Marvin suites import, where nose is not installed. Nothing here runs tests."""
