"""The screens' questions put to an embedded columnar engine, on the same rows: what `screens.rs` prints ours beside.

`columnar.py DATABASE [CSV]` reads the rows into the engine's own file when one is given, then answers each question as often as ours is asked, and
prints a line of JSON per question: milliseconds, and what it added up to, which must be what ours did. Each question is wrapped in a sum, so that the engine
hands over one row and is not measured by how Python takes thousands.
"""

import json
import os
import resource
import sys
import time

import duckdb

WARM_UP, TIMES = 3, 20
LAST = "date '2026-11-19'"
PARTS = ["impressions", "clicks", "cost", "conversions", "revenue", "visits"]
SUMS = ", ".join(f"sum({part}) AS {part}" for part in PARTS) + ", count(*) AS n"
TOTALS = "counts AND totals"
DAYS = f"SELECT client, date, currency, vat, {SUMS} FROM stats WHERE {TOTALS} AND date BETWEEN {{}} AND {{}} GROUP BY ALL"
OBJECTS = (
    f"SELECT connection, object, currency, vat, {SUMS} FROM stats "
    "WHERE client = getvariable('client') AND level = 'campaign' AND breakdown = '' AND date BETWEEN {} AND " + LAST + " GROUP BY ALL"
)
QUESTIONS = {
    "overview": DAYS.format(f"{LAST} - 29", LAST) + " UNION ALL " + DAYS.format(f"{LAST} - 59", f"{LAST} - 30"),
    "client_year": OBJECTS.format(f"{LAST} - 364"),
    "pivot": OBJECTS.format(f"{LAST} - 1095").replace("object,", "object, date_trunc('month', date) AS month,", 1),
    "all_days": f"SELECT client, date_trunc('month', date) AS month, currency, vat, {SUMS} FROM stats WHERE {TOTALS} GROUP BY ALL",
}


def main(file, rows=None):
    engine = duckdb.connect(file)
    if rows:
        engine.execute(
            "CREATE OR REPLACE TABLE stats AS SELECT * REPLACE (counts = 1 AS counts, totals = 1 AS totals, largest = 1 AS largest, coalesce(breakdown, '') AS breakdown) "
            f"FROM read_csv('{rows}', header = true, nullstr = '', types = {{'connector': 'VARCHAR', 'object': 'VARCHAR', 'breakdown': 'VARCHAR', "
            "'visits': 'BIGINT', 'revenue': 'BIGINT', 'cost': 'BIGINT', 'conversions': 'BIGINT'}) ORDER BY connection, level, date"
        )
        engine.execute("CHECKPOINT")
        return
    (client,) = engine.execute("SELECT client FROM stats WHERE largest LIMIT 1").fetchone()
    engine.execute("SET VARIABLE client = ?", [client])
    for name, question in QUESTIONS.items():
        wrapped = f"SELECT count(*), sum(n), {', '.join(f'sum({part})' for part in PARTS)} FROM ({question})"
        millis = []
        for turn in range(WARM_UP + TIMES):
            began = time.perf_counter()
            groups, *sums = engine.execute(wrapped).fetchone()
            if turn >= WARM_UP:
                millis.append((time.perf_counter() - began) * 1000)
        added = {"groups": groups} | {part: str(int(value or 0)) for part, value in zip(["rows", *PARTS], sums)}
        print(json.dumps({"screen": name, "query": millis, "added": added}))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"memory": memory, "file": os.path.getsize(file), "engine": f"DuckDB {duckdb.__version__}"}))


main(*sys.argv[1:])
