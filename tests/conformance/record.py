"""Records what the reference runtime makes of the manifests of our own corpus (crates/manifest/tests/corpus).

    record.py CORPUS_DIR [topic ...]

A topic is `<topic>.yaml`, a manifest, and `<topic>.json`, a scenario: the settings and what a small scripted server answers. The
reference (airbyte-cdk 7.39.1, with freezegun) discovers the streams, checks the connection and reads everything twice, the
second time from the states of the first and with a later clock. What came of it is written to `<topic>.recorded.json`; our own tests
replay the scenario without Python and compare with that.

A scenario has `config`, `answers` and, when they differ from the usual, `now` (two times) and `skip` (streams that the reference
cannot read, each with the reason; other tests say what we do with them) and `apart` (requests, such as `GET api.example/v1/items`,
and states, such as `state of items`, that are not compared, each with the reason). A manifest without a scenario only has to load; it says why. An answer has `when`, such as `GET api.example/v1/items?page=2`
(the method may be missing, the path may hold `*`, the named query must be there), optionally `body` (a part of the request's body),
`sync` (1 or 2) and `times`; then `status`, `headers` and one of `json`, `text`, `base64`. The first that fits is given.
"""

import base64
import fnmatch
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

NOW = ["2024-06-01T12:34:56Z", "2024-06-03T08:00:00Z"]
LIBRARY_HEADERS = {"host", "user-agent", "accept-encoding", "accept", "connection", "content-length", "transfer-encoding", "cookie"}
PREFIX = "/__https/"


def fits(answer, sync, method, place, query, body):
    wanted = answer["when"].split(" ")
    if len(wanted) == 2 and wanted[0] != method:
        return False
    path, _, need = wanted[-1].partition("?")
    need = parse_qsl(need, keep_blank_values=True)
    named = fnmatch.fnmatchcase(place, path) and all(pair in query for pair in need)
    return named and answer.get("sync", sync) == sync and answer.get("body", "") in body and answer.get("times", 1) > 0


def token(match):
    """A signed token says the time it was made at and is signed: what it claims is compared, times as lifetimes."""
    try:
        head, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in match.group(0).split(".")[:2])
    except ValueError:
        return match.group(0)
    claims["exp"] = claims.get("exp", 0) - claims.get("iat", 0)
    claims.pop("iat", None)
    claims.pop("nbf", None)
    return json.dumps([head, claims], sort_keys=True, separators=(",", ":"))


def unsign(text):
    return re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", token, text)


def body_of(kind, text):
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        pass
    if "x-www-form-urlencoded" in kind:
        return sorted([name, unsign(value)] for name, value in parse_qsl(text, keep_blank_values=True))
    return text


class Desk:
    """The scripted server and what it was asked."""

    def __init__(self, answers):
        self.answers, self.sync, self.log, self.lock = [dict(a) for a in answers], 1, [], threading.Lock()
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def _serve(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size).decode("utf-8", "replace") if size else ""
                url = urlsplit(self.path)
                place = url.path.removeprefix(PREFIX)
                query = parse_qsl(url.query, keep_blank_values=True)
                headers = {k.lower(): unsign(v) for k, v in self.headers.items() if k.lower() not in LIBRARY_HEADERS}
                row = {"request": f"{self.command} {place}"}
                if query:
                    row["query"] = sorted([name, unsign(value)] for name, value in query)
                if headers:
                    row["headers"] = headers
                sent = body_of(headers.get("content-type", ""), body)
                if sent is not None:
                    row["body"] = sent
                with desk.lock:
                    desk.log.append(row)
                    answer = next((a for a in desk.answers if fits(a, desk.sync, self.command, place, query, body)), None)
                    if answer and "times" in answer:
                        answer["times"] -= 1
                if answer is None:
                    print("  nobody answers", json.dumps(row), file=sys.stderr)
                    answer = {"status": 404, "json": {}}
                if "base64" in answer:
                    out = base64.b64decode(answer["base64"])
                else:
                    text = json.dumps(answer["json"]) if "json" in answer else answer.get("text", "")
                    out = text.replace("https://", desk.base).encode()
                self.send_response(answer.get("status", 200))
                for name, value in {"Content-Type": "application/json", **answer.get("headers", {})}.items():
                    self.send_header(name, value.replace("https://", desk.base))
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

            def log_message(self, *_):
                pass

        ThreadingHTTPServer.daemon_threads = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}{PREFIX}"


def rewritten(node, base, key=None):
    if key in ("connection_specification", "advanced_auth", "schema", "schemas"):
        return node
    if isinstance(node, dict):
        return {k: rewritten(v, base, k) for k, v in node.items()}
    if isinstance(node, list):
        return [rewritten(v, base) for v in node]
    return node.replace("https://", base) if isinstance(node, str) else node


def sync(desk, manifest, config, states, skip, now, number):
    import freezegun
    from airbyte_cdk.models import (AirbyteStateMessageSerializer, ConfiguredAirbyteCatalog, ConfiguredAirbyteStream,
                                    DestinationSyncMode, SyncMode, Type)
    from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

    log = logging.getLogger("airbyte")
    frozen = freezegun.freeze_time(now)
    with frozen as clock:
        wait = time.sleep

        def sleep(seconds):
            # Waiting costs no time here; only what the reference does while it idles is real.
            if seconds >= 0.5:
                clock.tick(timedelta(seconds=seconds))
                seconds = 0.002
            really(seconds)

        time.sleep = sleep
        try:
            state = [AirbyteStateMessageSerializer.load({"type": "STREAM", "stream": {"stream_descriptor": {"name": n}, "stream_state": s}})
                     for n, s in states.items()]
            source = lambda catalog: ConcurrentDeclarativeSource(source_config=manifest, config=config, catalog=catalog, state=state, config_path=None)
            found = {}
            first = source(None)
            catalog = first.discover(log, config)
            if number == 1:
                found["streams"] = [{"name": s.name, "incremental": SyncMode.incremental in s.supported_sync_modes,
                                     "primary_key": s.source_defined_primary_key or [], "cursor": (s.default_cursor_field or [None])[0],
                                     "schema": s.json_schema} for s in catalog.streams]
                try:
                    found["check"] = first.check(log, config).status.value
                except Exception as error:
                    found["check"] = f"FAILED: {type(error).__name__}"
            desk.log.clear()
            chosen = []
            for s in catalog.streams:
                if s.name in skip:
                    continue
                mode = SyncMode.incremental if SyncMode.incremental in s.supported_sync_modes else SyncMode.full_refresh
                chosen.append(ConfiguredAirbyteStream(stream=s, sync_mode=mode, destination_sync_mode=DestinationSyncMode.append))
            catalog = ConfiguredAirbyteCatalog(streams=chosen)
            records, last, ends = {s.stream.name: [] for s in chosen}, {}, {}
            running = source(catalog)
            try:
                for m in running.read(log, config, catalog, state):
                    if m.type == Type.RECORD:
                        records[m.record.stream].append(m.record.data)
                    elif m.type == Type.STATE:
                        blob = m.state.stream.stream_state
                        last[m.state.stream.stream_descriptor.name] = dict(blob.__dict__) if blob is not None else None
                    elif m.type == Type.TRACE and m.trace.stream_status is not None and m.trace.stream_status.status.value in ("COMPLETE", "INCOMPLETE"):
                        ends[m.trace.stream_status.stream_descriptor.name] = m.trace.stream_status.status.value
                    elif m.type == Type.TRACE and m.trace.error is not None:
                        print("  error:", m.trace.error.stream_descriptor, (m.trace.error.internal_message or m.trace.error.message or "")[:400], file=sys.stderr)
            except Exception as error:
                print("  raised:", str(error)[:300], file=sys.stderr)
            key = lambda row: json.dumps(row, sort_keys=True, default=str)
            found["requests"] = [json.loads(row) for row in sorted({key(row) for row in desk.log})]
            found["records"] = {name: sorted(rows, key=key) for name, rows in records.items()}
            found["states"], found["ends"] = last, ends
            return found
        finally:
            time.sleep = wait


def record(folder, topic):
    import freezegun
    import yaml

    freezegun.configure(extend_ignore_list=["threading", "queue", "concurrent", "urllib3", "socket", "selectors", "http.server", "socketserver"])
    # Before the clock stands still: what is imported under a false clock breaks.
    import airbyte_cdk.sources.declarative.concurrent_declarative_source
    import pandas
    logging.disable(logging.CRITICAL)
    with open(os.path.join(folder, f"{topic}.json")) as file:
        scenario = json.load(file)
    desk = Desk(scenario["answers"])
    with open(os.path.join(folder, f"{topic}.yaml")) as file:
        manifest = rewritten(yaml.safe_load(file), desk.base)
    states, syncs = scenario.get("states", {}), []
    for number, now in enumerate(scenario.get("now", NOW), 1):
        desk.sync = number
        syncs.append(sync(desk, manifest, json.loads(json.dumps(scenario["config"])), states, scenario.get("skip", {}), now, number))
        states = {name: state for name, state in syncs[-1]["states"].items() if state is not None}
    text = json.dumps(syncs, default=str).replace(desk.base, "https://")
    write(os.path.join(folder, f"{topic}.recorded.json"), json.loads(text))
    for number, found in enumerate(syncs, 1):
        print(topic, number, found.get("check", ""), len(found["requests"]), "requests", {n: (len(r), found["ends"].get(n)) for n, r in found["records"].items()})


def write(path, syncs):
    """One request, record and state a line, so that a change shows as what it is."""
    def lines(value, depth):
        pad = "  " * depth
        if depth < 4 and isinstance(value, dict) and value:
            inner = ",\n".join(f"{pad}  {json.dumps(k)}: {lines(v, depth + 1)}" for k, v in value.items())
            return "{\n" + inner + f"\n{pad}}}"
        if depth < 4 and isinstance(value, list) and value:
            inner = ",\n".join(f"{pad}  {lines(v, depth + 1) if depth == 0 else json.dumps(v, ensure_ascii=False)}" for v in value)
            return "[\n" + inner + f"\n{pad}]"
        return json.dumps(value, ensure_ascii=False)

    with open(path, "w") as file:
        file.write(lines(syncs, 0) + "\n")


really = time.sleep

if __name__ == "__main__":
    folder, topics = sys.argv[1], sys.argv[2:]
    folder = os.path.abspath(folder)
    if len(topics) == 1:
        # The reference leaves what it downloads in the folder it is started in.
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            record(folder, topics[0])
        os._exit(0)
    topics = topics or sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".yaml") and os.path.exists(os.path.join(folder, name[:-5] + ".json")))
    # A process for each, because the reference keeps caches and locks for the life of one.
    failed = [topic for topic in topics if subprocess.run([sys.executable, os.path.abspath(__file__), folder, topic], timeout=300).returncode]
    sys.exit(f"not recorded: {failed}" if failed else 0)
