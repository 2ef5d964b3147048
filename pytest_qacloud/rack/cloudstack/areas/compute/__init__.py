"""Virtual machines: their life, their place, their interfaces, and what is kept for them."""
