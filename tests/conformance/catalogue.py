"""The catalogue sweep: every manifest of a folder is read against a server that answers anything, once by the reference and once by
us, and requests, records and states are compared.

    catalogue.py reference --shared DIR --manifests DIR --out FILE [--only a,b]
    catalogue.py candidate --shared DIR --manifests DIR --reference FILE --program PATH --out FILE [--only a,b] [--jobs N]

`reference` needs airbyte-cdk and freezegun, `candidate` the standard library only. `--shared` is the folder with the conformance
material: configurations and answers are made exactly as its `sweep.py` makes them, so that the results can be compared with its own.
"""

import argparse
import glob
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NOW = "2024-06-01T12:34:56Z"
# What ticked away before the reference first looks at its clock. Some formats need a fraction that is not zero.
OUR_NOW = "2024-06-01T12:34:56.000789Z"
STREAMS = 3
RECORDS, PAGES, SLICES = 50, 2, 3
# After this many requests the server has nothing more to give, so that a loop ends.
ANSWERS = 40
# Headers that the HTTP library adds by itself and that say nothing about the runtime above it.
LIBRARY_HEADERS = {"host", "user-agent", "accept-encoding", "accept", "connection", "content-length", "content-type", "transfer-encoding"}


class Answers:
    """A server that gives the same document to everyone, and what was asked of it."""

    def __init__(self):
        self.log, self.answer, self.empty = [], {}, {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def _serve(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size).decode("utf-8", "replace") if size else ""
                url = urlsplit(self.path)
                headers = {k.lower(): v for k, v in self.headers.items() if k.lower() not in LIBRARY_HEADERS}
                query = sorted(parse_qs(url.query, keep_blank_values=True).items())
                outer.log.append({"method": self.command, "path": url.path, "query": query, "body": body, "headers": headers})
                out = json.dumps(outer.answer if len(outer.log) <= ANSWERS else outer.empty).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

            def log_message(self, *_):
                pass

        ThreadingHTTPServer.daemon_threads = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def start(self, answer, empty):
        self.log, self.answer, self.empty = [], answer, empty


def manifests(folder, only):
    """The manifests without custom Python."""
    for path in sorted(glob.glob(os.path.join(folder, "*.yaml"))):
        name = os.path.basename(path)[:-5]
        if only and name not in only.split(","):
            continue
        with open(path) as file:
            if "class_name" not in file.read():
                yield name, path


# ---------------------------------------------------------------------------------------------------------------- reference


def reference(a):
    sys.path.insert(0, a.shared)
    import freezegun
    import yaml
    from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource, TestLimits
    from oracle_run import rewrite
    from sweep import nest, sample

    logging.disable(logging.CRITICAL)
    freezegun.configure(extend_ignore_list=["threading", "queue", "concurrent", "urllib3", "socket", "selectors"])
    server = Answers()
    out = open(a.out + ".part", "w")

    def write(row):
        # What the reference was told to call a host of the outside world is what we call that host.
        out.write(json.dumps(row, default=str).replace(server.base + "/__https/", "https://") + "\n")

    def slow(*_):
        raise TimeoutError("slow")

    signal.signal(signal.SIGALRM, slow)
    silent = open(os.devnull, "w")
    sys.stdout = silent
    for name, path in manifests(a.manifests, a.only):
        with open(path) as file:
            plain = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        document = rewrite(plain, server.base)
        spec = (document.get("spec") or {}).get("connection_specification") or {}
        config = sample({**spec, "type": "object"})
        frozen = freezegun.freeze_time(NOW, tick=True)
        frozen.start()
        try:
            signal.alarm(60)
            limits = TestLimits(max_records=RECORDS, max_pages_per_slice=PAGES, max_slices=SLICES)
            source = ConcurrentDeclarativeSource(source_config=document, config=config, catalog=None, state=[], limits=limits)
            streams = source.streams(config)
            write({"manifest": name, "built": True, "streams": [s.name for s in streams], "config": config})
            for stream in streams[:STREAMS]:
                row = {"manifest": name, "stream": stream.name, "error": None, "records": [], "state": None}
                try:
                    signal.alarm(15)
                    raw = next((x for x in source.resolved_manifest.get("streams", []) if x.get("name") == stream.name), {})
                    extractor = ((raw.get("retriever") or {}).get("record_selector") or {}).get("extractor") or {}
                    record = sample(stream.get_json_schema(), stream.name)
                    record = record if isinstance(record, dict) else {"id": "1"}
                    record.setdefault("id", "1")
                    at = [x for x in extractor.get("field_path") or [] if "{{" not in str(x)]
                    row["answer"] = nest(at, [record]) if at else [record]
                    row["empty"] = nest(at, []) if at else []
                    server.start(row["answer"], row["empty"])
                    cursor = stream.cursor
                    for partition in stream.generate_partitions():
                        for record in partition.read():
                            row["records"].append(dict(record.data))
                            cursor.observe(record)
                        cursor.close_partition(partition)
                    cursor.ensure_at_least_one_state_emitted()
                    row["state"] = cursor.state
                except Exception as error:
                    row["error"] = f"{type(error).__name__}: {str(error)[:300]}"
                row["requests"] = list(server.log)
                write(row)
        except Exception as error:
            write({"manifest": name, "built": False, "error": f"{type(error).__name__}: {str(error)[:300]}", "config": config})
        finally:
            signal.alarm(0)
            frozen.stop()
    out.close()
    os.replace(a.out + ".part", a.out)


# ---------------------------------------------------------------------------------------------------------------- candidate


def messages(text):
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            yield {"type": "GARBAGE", "line": line[:200]}


def source(a, command, base, folder, manifest, config, *more):
    """Runs one command of ours and gives its messages, exit code and the end of its standard error."""
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    arguments = [a.program, "source", command, "--manifest", manifest, "--config", file.name, "--now", OUR_NOW]
    arguments += ["--url-map", f"https://={base}/__https/", *more]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, errors="replace")
    except subprocess.TimeoutExpired:
        return [], "slow", ""
    return list(messages(done.stdout)), done.returncode, done.stderr[-300:]


def ours(server, a, path, config, names, rows):
    """Reads the same streams as the reference did, and adds what we found to its rows."""
    with tempfile.TemporaryDirectory() as folder:
        found, code, stderr = source(a, "discover", server.base, folder, path, config)
        catalog = next((m["catalog"] for m in found if m["type"] == "CATALOG"), None)
        listed = {s["name"]: s for s in (catalog or {}).get("streams", [])}
        why = next((m["trace"]["error"]["message"] for m in found if m["type"] == "TRACE" and m["trace"].get("error")), stderr)
        result = {"built": catalog is not None, "streams": list(listed), "error": None if catalog else f"exit {code}: {why}", "rows": {}}
        for row in rows:
            stream = listed.get(row["stream"])
            if stream is None:
                result["rows"][row["stream"]] = {"error": "the stream is not listed", "records": [], "requests": [], "state": None}
                continue
            mode = "incremental" if "incremental" in stream["supported_sync_modes"] else "full_refresh"
            with open(os.path.join(folder, "catalog.json"), "w") as file:
                json.dump({"streams": [{"stream": stream, "sync_mode": mode, "destination_sync_mode": "append"}]}, file)
            server.start(row.get("answer", []), row.get("empty", []))
            limits = ["--limit-records", str(RECORDS), "--limit-pages", str(PAGES), "--limit-slices", str(SLICES)]
            found, code, stderr = source(a, "read", server.base, folder, path, config, "--catalog", file.name, *limits)
            error = next((m["trace"]["error"] for m in found if m["type"] == "TRACE" and m["trace"].get("error")), None)
            states = [m["state"]["stream"].get("stream_state") for m in found if m["type"] == "STATE"]
            result["rows"][row["stream"]] = {
                "records": [m["record"]["data"] for m in found if m["type"] == "RECORD"],
                "state": states[-1] if states else None,
                "requests": list(server.log),
                "error": f"{error.get('failure_type')}: {error.get('internal_message') or error['message']}" if error
                else None if code == 0 else f"exit {code}: {stderr}",
            }
    return result


def candidate(a):
    built, rows = {}, {}
    for line in open(a.reference):
        row = json.loads(line)
        if "stream" in row:
            rows.setdefault(row["manifest"], []).append(row)
        else:
            built[row["manifest"]] = row
    servers = [Answers() for _ in range(a.jobs)]
    free = list(servers)
    lock = threading.Lock()

    def one(item):
        name, path = item
        with lock:
            server = free.pop()
        try:
            return {"manifest": name, **ours(server, a, path, built[name]["config"], built[name].get("streams", []), rows.get(name, []))}
        finally:
            with lock:
                free.append(server)

    wanted = [(name, path) for name, path in manifests(a.manifests, a.only) if name in built]
    with ThreadPoolExecutor(a.jobs) as pool, open(a.out, "w") as out:
        for result in pool.map(one, wanted):
            theirs = {row["stream"]: row for row in rows.get(result["manifest"], [])}
            out.write(json.dumps(verdict(result, built[result["manifest"]], theirs)) + "\n")


def canonical(value):
    """JSON by value: `1` and `1.0` are the same number, the order of keys is nothing."""
    if isinstance(value, dict):
        return {k: canonical(v) for k, v in value.items()}
    if isinstance(value, list):
        return [canonical(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


# The reference's clock ticks while it reads, and ours was set to the same moment: any time of the next minutes is "now".
CLOCK = re.compile(r"2024-06-01([ T])12:3[4-9]:\d\d(\.\d+)?|\b17172452[89]\d(\d{3}|\d{6})?(\.\d+)?\b|\b1717245[3-5]\d\d(\d{3}|\d{6})?(\.\d+)?\b")


def key(value):
    return CLOCK.sub("<now>", json.dumps(canonical(value), sort_keys=True))


def request(one):
    body = one["body"]
    try:
        body = key(json.loads(body)) if body else ""
    except ValueError:
        body = "&".join(sorted(body.split("&")))
    return CLOCK.sub("<now>", json.dumps([one["method"], whole(one["path"]), one["query"], body]))


def whole(path):
    """A host alone and its root are the same resource; which of the two is written depends on the HTTP library."""
    return path + "/" if path.count("/") == 2 else path


def headers(one):
    # Multipart boundaries aside, headers are part of what a vendor sees; those of a sign-in most of all.
    return json.dumps([whole(one["path"]), sorted(one["headers"].items())])


def only(a, b, make):
    left, right = {make(x) for x in a}, {make(x) for x in b}
    return sorted(left - right)[:4], sorted(right - left)[:4]


def verdict(found, reference_row, theirs):
    """What differs, stream by stream."""
    lines = []
    for name, their in theirs.items():
        our = found["rows"].get(name) or {"records": [], "requests": [], "state": None, "error": "not read"}
        line = {"stream": name, "read_by_reference": their["error"] is None, "reference_error": their["error"], "error": our["error"]}
        requests = only(their["requests"], our["requests"], request)
        heads = only(their["requests"], our["requests"], headers)
        records = only(their["records"], our["records"], key)
        line["requests"] = requests == ([], [])
        line["headers"] = heads == ([], [])
        line["records"] = sorted(map(key, their["records"])) == sorted(map(key, our["records"]))
        line["state"] = key(comparable(their["state"])) == key(comparable(our["state"]))
        if not line["requests"]:
            line["requests_only_reference"], line["requests_only_ours"] = requests
        elif not line["headers"]:
            line["headers_only_reference"], line["headers_only_ours"] = heads
        if not line["records"]:
            line["record_counts"] = [len(their["records"]), len(our["records"])]
            line["records_only_reference"], line["records_only_ours"] = [x[:400] for x in records[0][:1]], [x[:400] for x in records[1][:1]]
        if not line["state"]:
            line["states"] = [their["state"], our["state"]]
        lines.append(line)
    return {
        "manifest": found["manifest"],
        "built_by_reference": reference_row["built"],
        "reference_error": reference_row.get("error"),
        "built": found["built"],
        "error": found["error"],
        "same_streams": sorted(reference_row.get("streams", [])) == sorted(found["streams"]) if reference_row["built"] else None,
        "missing_streams": sorted(set(reference_row.get("streams", [])) - set(found["streams"])),
        "streams": lines,
    }


def comparable(state):
    """Without how long the sync took, which no two runs have in common."""
    return {k: v for k, v in (state or {}).items() if k != "lookback_window"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("reference", "candidate"))
    parser.add_argument("--shared", required=True)
    parser.add_argument("--manifests", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--reference")
    parser.add_argument("--program")
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=2)
    a = parser.parse_args()
    (reference if a.command == "reference" else candidate)(a)


if __name__ == "__main__":
    main()
