"""Alembic's environment for the lease database."""
