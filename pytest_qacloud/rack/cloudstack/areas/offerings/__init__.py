"""Service, disk and network offerings."""
