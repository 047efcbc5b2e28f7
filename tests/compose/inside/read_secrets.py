"""Every generated secret by name."""

import json
import pathlib

print(json.dumps({path.name: path.read_text().strip() for path in pathlib.Path("/master").iterdir()}))
