"""What the management server can do, one module an area; each registers its commands when it is imported."""
