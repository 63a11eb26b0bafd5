"""A client of the ecosystem that we did not write: PyAirbyte uses `syncdeckctl source` as a local executable for VK Реклама. It reads the
form, tries the settings, lists the streams, and reads all of them into its own cache; what lies there must be the platform's truth.

    client.py --program PATH --simulator PATH --work DIR           needs the package `airbyte`

The platform is our simulator. Nothing else is asked over the network: the client's registry and telemetry are switched off.
"""

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys

SYSTEM = "https://ads.vk.com"
# What the client must not do behind our back: count us, or look our connector up.
os.environ.update(DO_NOT_TRACK="1", AIRBYTE_DISABLE_TELEMETRY="true", AIRBYTE_OFFLINE_MODE="1")


def executable(folder, program, base):
    """The client starts one program with the protocol's arguments; ours wants to be told which connector, and where it lives."""
    path = os.path.join(folder, "source-vk-ads")
    with open(path, "w") as file:
        file.write(f'#!/bin/sh\nexec "{program}" --url-map "{SYSTEM}={base}" source "$@" --manifest vk_ads\n')
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return path


def main():
    parser = argparse.ArgumentParser()
    for name in ("--program", "--simulator", "--work"):
        parser.add_argument(name, required=True)
    a = parser.parse_args()
    shutil.rmtree(a.work, ignore_errors=True)
    os.makedirs(a.work)
    os.environ["AIRBYTE_LOGGING_ROOT"] = os.path.join(a.work, "logs")
    os.chdir(a.work)
    truth = json.loads(subprocess.run([a.simulator, "vk-ads", "--scenario", "small", "--truth"], capture_output=True, check=True).stdout)
    # The advertiser: a key that is for one cabinet, its own.
    key = next(key for key in truth["keys"] if [c["id"] for c in key["cabinets"]] == [key["owner_id"]])
    cabinet = next(c for c in truth["cabinets"] if c["cabinet"] == key["owner_id"])
    platform = subprocess.Popen([a.simulator, "vk-ads", "--scenario", "small"], stdout=subprocess.PIPE, text=True)
    try:
        base = platform.stdout.readline().strip()
        read(executable(a.work, a.program, base), key, cabinet, truth["first_day"], a.work)
    finally:
        platform.terminate()
        platform.wait()


def read(path, key, cabinet, first_day, folder):
    import airbyte as ab

    settings = {"client_id": key["client_id"], "client_secret": key["client_secret"], "start_date": first_day}
    source = ab.get_source("source-vk-ads", local_executable=path, config=settings)
    assert "client_secret" in source.config_spec["properties"], source.config_spec
    source.check()
    streams = source.get_available_streams()
    assert streams == ["ad_plans", "ad_groups", "banners", "ad_plan_stats", "ad_group_stats", "banner_stats"], streams
    source.select_all_streams()
    cache = ab.DuckDBCache(db_path=os.path.join(folder, "cache.duckdb"), schema_name="vk")
    result = source.read(cache=cache, force_full_refresh=True)
    assert result.processed_records > 0, "nothing was read"
    totals = cabinet["totals"]
    for level in ("ad_plan_stats", "ad_group_stats", "banner_stats"):
        rows = [dict(row) for row in result[level]]
        bases = [json.loads(row["base"]) if isinstance(row["base"], str) else row["base"] for row in rows]
        found = {name: sum(int(base[name]) for base in bases) for name in ("shows", "clicks")}
        assert found == {"shows": totals["impressions"], "clicks": totals["clicks"]}, (level, found, totals)
    wrong = ab.get_source("source-vk-ads", local_executable=path, config={**settings, "client_secret": "nonsense"})
    try:
        wrong.check()
    except Exception as error:
        assert "nonsense" not in str(error), "a secret is shown"
    else:
        raise AssertionError("a wrong secret passes the check")
    print(f"the client read {result.processed_records} records of {len(streams)} streams, and their sums are the platform's")


if __name__ == "__main__":
    sys.exit(main())
