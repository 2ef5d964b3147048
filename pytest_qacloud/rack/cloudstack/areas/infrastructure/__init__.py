"""Zones, physical networks, pods, clusters, hosts and storage: what a zone is built of."""
