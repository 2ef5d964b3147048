"""Domains, accounts, users, roles and resource limits."""
