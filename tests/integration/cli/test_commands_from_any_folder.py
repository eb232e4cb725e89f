"""Commands find the workspace's folders wherever they are started."""

import socket
import subprocess
import sys
from pathlib import Path


def test_the_ui_on_a_port_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        command = [str(Path(sys.executable).with_name("tradewind")), "dev", "--port", str(port)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert done.stderr.startswith(f"tradewind: port {port} on 127.0.0.1 is in use")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
