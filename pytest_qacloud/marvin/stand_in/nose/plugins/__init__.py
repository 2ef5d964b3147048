"""The parts of nose's plugins that Marvin suites import."""
