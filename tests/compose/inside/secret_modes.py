"""Mode and owner of every folder and file of secrets."""

import pathlib
import stat

for folder in sorted(pathlib.Path("/grants").iterdir()):
    for path in [folder, *sorted(folder.iterdir())]:
        found = path.stat()
        print(f"{path.relative_to('/grants')} {stat.S_IMODE(found.st_mode):o} {found.st_uid}:{found.st_gid}")
