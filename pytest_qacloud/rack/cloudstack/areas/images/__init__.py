"""Guest operating systems and templates."""
