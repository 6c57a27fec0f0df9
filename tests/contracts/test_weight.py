"""What the daemon loads in order to run, and keeps."""

import subprocess
import sys

LOAD = "import sys, groundswell.registry, groundswell.runtime.daemon; print(*sys.modules)"


def test_the_daemon_loads_no_tables_of_places() -> None:
    """The names of 250 countries came with where every telephone prefix is: 100 MB more, for good."""
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, timeout=15, check=True)
    loaded = done.stdout.split()
    assert "phonenumbers" in loaded
    assert [name for name in loaded if name.startswith(("phonenumbers.geodata", "phonenumbers.tzdata"))] == []
