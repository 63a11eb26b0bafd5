"""Whole connectors: first and second sync against the deterministic server, by the reference and by us. Records as multisets per stream,
the last state per stream, the set of distinct requests (the material's own `compare.py` decides).

    connectors.py --shared DIR --manifests DIR --program PATH --work DIR --out FILE

The manifests are those of `manifests/` beside this file, and Calendly's own where the material has it. Both runtimes get the reference's
states for the second sync, so that a difference in the first does not hide another one in the second.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FREEZE = "2024-06-01T00:00:00Z"
CASES = [
    ("SendGrid", "sendgrid_like.yaml", {"api_key": "key-1", "start_date": "2024-01-10T00:00:00Z", "end_date": "2024-06-01T00:00:00Z"}),
    ("Apple Search Ads", "search_ads_like.yaml",
     {"client_id": "app-1", "client_secret": "secret-1", "org_id": 77, "start_date": "2024-05-28", "end_date": "2024-05-30", "lookback_days": 1}),
    ("Calendly", "calendly_like.yaml", {"api_key": "key-2", "start_date": "2024-01-10T00:00:00Z", "lookback_days": 3}),
    ("Calendly, its own manifest", "../calendly.yaml", {"api_key": "key-2", "start_date": "2024-01-10T00:00:00Z", "lookback_days": 3}),
]


class Mock:
    """The material's server, with a log of its own for every run."""

    def __init__(self, shared, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        if os.path.exists(log):
            os.remove(log)
        self.base = f"http://127.0.0.1:{port}"
        command = [sys.executable, os.path.join(shared, "mock_server.py"), "--port", str(port), "--log", log]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def theirs(a, manifest, config, state, out, log):
    with Mock(a.shared, log) as mock:
        command = [sys.executable, os.path.join(a.shared, "oracle_run.py"), "--manifest", manifest, "--config", config, "--base", mock.base]
        command += ["--freeze", FREEZE, "--out", out] + (["--state", state] if state else [])
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-1000:])


def ours(a, manifest, config, state, out, log):
    """Our messages, in the form in which the material writes the reference's."""
    with Mock(a.shared, log) as mock:
        base = [a.program, "source", "discover", "--manifest", manifest, "--config", config, "--now", FREEZE]
        base += ["--url-map", f"https://={mock.base}/__https/"]
        listed = subprocess.run(base, capture_output=True, text=True, timeout=60).stdout
        catalog = next(json.loads(line)["catalog"] for line in listed.splitlines() if '"CATALOG"' in line)
        configured = []
        for stream in catalog["streams"]:
            mode = "incremental" if "incremental" in stream["supported_sync_modes"] else "full_refresh"
            configured.append({"stream": stream, "sync_mode": mode, "destination_sync_mode": "append"})
        with open(out + ".catalog", "w") as file:
            json.dump({"streams": configured}, file)
        command = [a.program, "source", "read", *base[3:], "--catalog", file.name] + (["--state", state] if state else [])
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    with open(out, "w") as file:
        for line in done.stdout.splitlines():
            message = json.loads(line)
            row = None
            if message["type"] == "RECORD":
                row = {"type": "RECORD", "stream": message["record"]["stream"], "data": message["record"]["data"]}
            elif message["type"] == "STATE":
                stream = message["state"]["stream"]
                row = {"type": "STATE", "stream": stream["stream_descriptor"]["name"], "state": stream["stream_state"]}
            elif message["type"] == "TRACE" and message["trace"].get("stream_status"):
                told = message["trace"]["stream_status"]
                if told["status"] in ("COMPLETE", "INCOMPLETE"):
                    row = {"type": "STATUS", "stream": told["stream_descriptor"]["name"], "status": told["status"]}
            elif message["type"] == "TRACE" and message["trace"].get("error"):
                error = message["trace"]["error"]
                stream = error.get("stream_descriptor") or {}
                row = {"type": "ERROR", "stream": stream.get("name"), "failure_type": error["failure_type"]}
            if row:
                file.write(json.dumps(row) + "\n")


def states(path, to):
    found = {}
    for line in open(path):
        row = json.loads(line)
        if row["type"] == "STATE":
            found[row["stream"]] = row["state"]
    with open(to, "w") as file:
        json.dump(found, file)
    return to


def main():
    parser = argparse.ArgumentParser()
    for name in ("--shared", "--manifests", "--program", "--work", "--out"):
        parser.add_argument(name, required=True)
    a = parser.parse_args()
    os.makedirs(a.work, exist_ok=True)
    with open(a.out, "w") as out:
        for name, file, settings in CASES:
            manifest = os.path.join(a.manifests, file[3:]) if file.startswith("../") else os.path.join(HERE, "manifests", file)
            if not os.path.exists(manifest):
                continue
            at = lambda what: os.path.join(a.work, re.sub(r"\W+", "_", name.lower()) + "." + what)
            with open(at("config.json"), "w") as config:
                json.dump(settings, config)
            state = None
            for sync in ("first", "second"):
                ref, cand = at(f"{sync}.ref.jsonl"), at(f"{sync}.ours.jsonl")
                ref_log, cand_log = at(f"{sync}.ref.requests"), at(f"{sync}.ours.requests")
                theirs(a, manifest, config.name, state, ref, ref_log)
                ours(a, manifest, config.name, state, cand, cand_log)
                command = [sys.executable, os.path.join(a.shared, "compare.py"), ref, cand, ref_log, cand_log]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120)
                records = sum('"RECORD"' in line for line in open(ref))
                requests = len({(r["method"], r["host"], r["path"], json.dumps(r["query"]), r["body"]) for r in map(json.loads, open(ref_log))})
                row = {"case": name, "sync": sync, "equal": done.returncode == 0, "records": records, "requests": requests}
                row["differences"] = [line[:600] for line in done.stdout.splitlines() if not line.startswith(("ok", "RESULT"))]
                out.write(json.dumps(row) + "\n")
                out.flush()
                state = states(ref, at(f"{sync}.state.json"))


if __name__ == "__main__":
    main()
