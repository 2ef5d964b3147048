"""Tags and details, which every kind of entity can have."""
