"""Retry timing: how long each runtime waits between the attempts of a request that fails a few times and then succeeds.

    retry.py --shared DIR --program PATH --work DIR --out FILE

One stream per setting of an error handler (the material's `flaky_manifest.yaml`), one path per stream; the waits are measured where the
requests arrive. Run it on a machine that does nothing else: a wait is compared to within 50 milliseconds.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 0.05


class Flaky:
    """The first requests of a path fail as its name says: `e503x2` fails twice with 503."""

    def __init__(self):
        self.times = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def do_GET(self):
                kind = self.path.split("?")[0].rsplit("/", 1)[-1]
                seen = outer.times.setdefault(kind, [])
                seen.append(time.monotonic())
                found = re.match(r"e(\d+)x(\d+)", kind)
                code, failing = (int(found[1]), int(found[2])) if found else (200, 0)
                code = code if len(seen) <= failing else 200
                body = json.dumps({"data": [{"id": 1}]} if code == 200 else {"error": {"message": f"synthetic {code}"}}).encode()
                self.send_response(code)
                for name, value in (("Content-Type", "application/json"), ("Retry-After", "1"), ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        ThreadingHTTPServer.daemon_threads = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def waits(self):
        return {kind: [round(b - a, 3) for a, b in zip(times, times[1:])] for kind, times in self.times.items()}


def main():
    parser = argparse.ArgumentParser()
    for name in ("--shared", "--program", "--work", "--out"):
        parser.add_argument(name, required=True)
    a = parser.parse_args()
    os.makedirs(a.work, exist_ok=True)
    manifest = os.path.join(a.shared, "flaky_manifest.yaml")
    config, catalog = os.path.join(a.work, "config.json"), os.path.join(a.work, "catalog.json")
    with open(config, "w") as file:
        file.write("{}")

    reference = Flaky()
    command = [sys.executable, os.path.join(a.shared, "oracle_run.py"), "--manifest", manifest, "--config", config, "--base", reference.base]
    subprocess.run([*command, "--out", os.path.join(a.work, "reference.jsonl")], capture_output=True, timeout=300)

    ours = Flaky()
    base = ["--manifest", manifest, "--config", config, "--url-map", f"https://={ours.base}/__https/"]
    listed = subprocess.run([a.program, "source", "discover", *base], capture_output=True, text=True, timeout=60).stdout
    streams = next(json.loads(line)["catalog"]["streams"] for line in listed.splitlines() if '"CATALOG"' in line)
    with open(catalog, "w") as file:
        json.dump({"streams": [{"stream": s, "sync_mode": "full_refresh", "destination_sync_mode": "append"} for s in streams]}, file)
    with open(os.path.join(a.work, "ours.jsonl"), "w") as file:
        subprocess.run([a.program, "source", "read", *base, "--catalog", catalog], stdout=file, stderr=subprocess.DEVNULL, timeout=300)

    theirs, found = reference.waits(), ours.waits()
    with open(a.out, "w") as out:
        for kind in sorted(set(theirs) | set(found)):
            left, right = theirs.get(kind), found.get(kind)
            close = left is not None and right is not None and len(left) == len(right)
            off = max((abs(x - y) for x, y in zip(left or [], right or [])), default=0.0)
            row = {"case": kind, "equal": close and off <= TOLERANCE, "reference": left, "ours": right, "off_ms": round(off * 1000)}
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
