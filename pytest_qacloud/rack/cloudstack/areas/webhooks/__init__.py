"""Webhooks: events told to HTTP servers."""
