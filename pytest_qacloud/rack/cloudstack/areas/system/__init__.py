"""Settings, capabilities, events, alerts and the management server itself."""
