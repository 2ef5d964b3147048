"""The entities of a cloud; `identity`, `events`, `jobs` and `limits` beside this package hold the others."""
