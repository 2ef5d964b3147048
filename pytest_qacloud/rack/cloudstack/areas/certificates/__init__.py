"""The certificate authority, and what it issues."""
