"""Builds these sources: one package repository for the simulated rack, out of all features."""

import os
import pathlib
import tomllib

features = sorted(pathlib.Path("features").glob("*.toml"))
parts = [f"features = {[path.stem for path in features]}"]
for path in features:
    text = path.read_text(encoding="utf-8")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SystemExit(f"{path}: {error}") from None
    parts.append(text)
pathlib.Path(os.environ["QACLOUD_OUTPUT"], "behaviours.toml").write_text("\n".join(parts), encoding="utf-8")
print(f"built {len(features)} features of {os.environ['QACLOUD_COMMIT'][:12]}")  # noqa: T201  # a build's output
